"""A real server, in memory, under virtual time: for our tests and for bot authors."""

from entrenous.testing.clock import VIRTUAL_START, VirtualClock, VirtualTimeLoop, run_virtual
from entrenous.testing.entropy import SeededEntropy
from entrenous.testing.members import Person, World
from entrenous.testing.memory import MemoryTransport, Wire, connect_in_memory
from entrenous.testing.server import ADDRESS, FAST_KSF, MemoryConnector, MemoryServer

__all__ = [
    "ADDRESS",
    "FAST_KSF",
    "VIRTUAL_START",
    "MemoryConnector",
    "MemoryServer",
    "MemoryTransport",
    "Person",
    "SeededEntropy",
    "VirtualClock",
    "VirtualTimeLoop",
    "Wire",
    "World",
    "connect_in_memory",
    "run_virtual",
]
