"""``entrenous demo``: three people, a real server, and a search for anything that leaked."""
