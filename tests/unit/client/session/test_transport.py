"""A server that cannot be reached is told in the system's words."""

import asyncio
import errno
import os
import socket

import pytest

from entrenous.client.session import TcpConnector
from entrenous.errors import UnavailableError


async def test_nobody_listens_there() -> None:
    with socket.socket() as bound:  # bound and not listening: nobody else gets the port meanwhile
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(UnavailableError) as told:
            await TcpConnector("127.0.0.1", bound.getsockname()[1]).connect(asyncio.Protocol)
    assert str(told.value).endswith(f"cannot be reached: {os.strerror(errno.ECONNREFUSED)}")


async def test_a_name_that_no_lookup_can_encode() -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await TcpConnector("x" * 70 + ".example", 1).connect(asyncio.Protocol)
