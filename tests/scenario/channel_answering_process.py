"""The answering half of test_channel_two_processes: a server in a process of its own.

Prints its server id and port, serves one connection, answers every message with "heard: ...", prints its channel
binding, and ends when the client closes.
"""

import asyncio
import os
import sys
import time

from entrenous.channel import (
    SUITES,
    HandshakeFinished,
    MessageReceived,
    PeerClosed,
    ServerConnection,
    issue_credential,
)
from entrenous.crypto import SigningKey, system_entropy
from entrenous.identity import ServerIdentityKey


async def main() -> None:
    identity = ServerIdentityKey(SigningKey.generate(system_entropy))
    not_after = int(time.time()) + 3600
    credentials = {
        suite.number: issue_credential(identity, suite, suite.noise.dh.generate(system_entropy), not_after)
        for suite in SUITES.values()
    }
    finished = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ServerConnection(credentials, entropy=os.urandom, now=time.time())
        try:
            await converse(connection, reader, writer)
        finally:
            writer.close()
            finished.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    tell(identity.server_id.hex(), str(server.sockets[0].getsockname()[1]))
    async with server:
        await finished.wait()


async def converse(connection: ServerConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        connection.receive_data(data, time.time())
        while (event := connection.next_event()) is not None:
            match event:
                case HandshakeFinished(handshake_hash=binding, suite=suite):
                    tell(binding.hex(), str(suite))
                case MessageReceived(data=text):
                    connection.send_message(b"heard: " + text)
                case PeerClosed():
                    return
        writer.write(connection.data_to_send(time.time()))
        await writer.drain()


def tell(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
