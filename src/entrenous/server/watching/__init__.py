"""What an operator sees of a running server: counts, figures, health, and what is logged of misuse."""
