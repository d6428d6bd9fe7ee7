"""Messaging Layer Security (RFC 9420), whole and by our own hands.

    types      every wire struct; computes nothing, so that a server may read headers
    suite      cipher suites and their labelled functions
    tree       the ratchet tree: its hashes, what makes it valid, TreeKEM
    schedule   the key schedule, pre-shared keys, transcript hashes, the secret tree of message keys
    framing    signing, encrypting and opening messages
    group      creating, changing and joining groups

States are immutable values: a function takes one and returns the next, and what it refuses leaves everything as it was.
Import from the subpackages; this one imports none of them, so that who reads ``types`` loads nothing else.
"""
