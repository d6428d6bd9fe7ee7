"""The formal models of docs/formal, run and judged."""
