"""Hosts that stand for every address of a machine: which they are, and where their listener is found from beside it."""

#: For each, an address at which who is on the same machine reaches what listens there. IPv6 is listened at alone.
_HERE = {None: "127.0.0.1", "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 they are recognised here, not bound


def is_everywhere(host: str | None) -> bool:
    """Whether what listens at ``host`` listens at every address."""
    return host in _HERE


def from_here(host: str | None) -> str:
    """Where to knock, on the same machine, at what listens at ``host``."""
    return _HERE.get(host) or str(host)
