"""Accounts, devices and how they prove themselves; invites and KeyPackages."""
