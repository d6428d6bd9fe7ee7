"""``entrenous chat``: the line-mode client. What is typed is a message or a /command; what happens is printed above."""
