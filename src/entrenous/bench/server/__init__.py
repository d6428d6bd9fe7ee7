"""What the server costs and how fast it is: run ``entrenous bench server`` (docs/benchmarks/server.md)."""
