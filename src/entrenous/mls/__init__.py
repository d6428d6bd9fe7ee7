"""Messaging Layer Security (RFC 9420): wire types, ratchet tree, key schedule, framing and groups."""
