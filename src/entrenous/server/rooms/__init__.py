"""Room logs: appending, reading, and telling those who listen."""
