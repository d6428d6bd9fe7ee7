"""A second client, written from docs/spec and the standards it names alone.

It shares with the product nothing but ``entrenous.crypto``: no codec, no Noise, no OPAQUE, no MLS, no wire types. Where
it and the product understand each other, the pages say enough. It judges only what it must, and is no example.
"""
