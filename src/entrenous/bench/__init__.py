"""Measurements that a person can run. Each module is a program of its own; what it prints is all that we claim."""
