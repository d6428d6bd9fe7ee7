"""Several nodes of one server in processes of their own, and clients that connect to whichever is there."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from entrenous.client.session import Connector, TcpConnector
from entrenous.errors import UnavailableError
from entrenous.server.store import shared_engine
from room_logs import LogEntry
from server_process import ServerProcess

P = TypeVar("P", bound=asyncio.Protocol)


class AnyNode:
    """Reaches whichever node can be reached, beginning with another one each time."""

    def __init__(self, nodes: "list[Node]", first: int) -> None:
        self._nodes, self._next = nodes, first

    async def connect(self, factory: Callable[[], P]) -> P:
        """A new protocol on a new connection.

        Raises:
            UnavailableError: none can be reached.
        """
        for _ in self._nodes:
            node = self._nodes[self._next % len(self._nodes)]
            self._next += 1
            if node.process is not None:
                try:
                    return await TcpConnector("127.0.0.1", node.port).connect(factory)
                except UnavailableError:
                    continue
        raise UnavailableError("no node can be reached")


@dataclass
class Node(ServerProcess):
    """One of several; people who are registered at it may connect to any of them."""

    reach: AnyNode | None = None

    def connector(self) -> Connector:
        """A way to reach one of them."""
        return self.reach or super().connector()


async def start_nodes(folder: Path, store: str, bus: str, count: int) -> list[Node]:
    """Nodes with the same keys and a fast look at the store."""
    options = {"store": store, "bus": bus}
    nodes: list[Node] = []
    for number in range(count):
        data = folder / f"node{number}"
        if nodes:
            shutil.copytree(nodes[0].data / "keys", data / "keys")
        nodes.append(Node(data, options=dict(options)))
        await nodes[-1].start()
    for number, node in enumerate(nodes):
        node.reach = AnyNode(nodes, number)
    return nodes


def shared_log(store: str, room: bytes) -> list[LogEntry]:
    """A room's log as the database has it."""
    engine = shared_engine(store)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sequence, message_id, body FROM entries WHERE room = %s ORDER BY sequence", (room,)
        ).fetchall()
    engine.dispose()
    return [LogEntry(*row) for row in found]
