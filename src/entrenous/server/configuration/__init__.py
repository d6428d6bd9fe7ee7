"""What an operator can set, where it comes from, and what may change while the server runs."""
