"""Rooms: what a member holds of each, and how it changes."""
