"""A port for a server that lives as long as a picture is made."""

import contextlib
import socket

from pictures.errors import PictureError

#: The port that links need not name.
_USUAL = 7443


def free_port() -> int:
    """The usual port, or another where that is taken.

    Raises:
        PictureError: none is free.
    """
    for wanted in (_USUAL, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
    raise PictureError("no port is free on 127.0.0.1")
