"""Entrenous: self-hosted, end-to-end encrypted chat."""

__version__ = "0.1.0"
