"""Several servers that are one: what they tell each other, and moving to a shared store."""
