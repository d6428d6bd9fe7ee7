"""A client's connection: who is let in, bytes in, bytes out, and what becomes of who lets us wait."""
