"""A client's conversation: who it has proved to be, when its requests begin, and who answers them."""
