"""The miniature conversation itself: real parts of the product, in memory, with everything written down."""
