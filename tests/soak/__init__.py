"""People who talk while everything goes wrong, and what becomes of what they said: ``python -m soak`` for minutes."""
