"""How long the client waits for what, in seconds."""

from dataclasses import dataclass

#: The shortest timer. A rounding error's worth of time may not advance the loop's clock at all: who waits for it spins.
MOMENT = 0.001


@dataclass(frozen=True, slots=True)
class Timings:
    """One set for everything that talks to a server.

    Attributes:
        connect: for reaching the server and the channel's handshake together.
        call: of silence from the server before a call fails, besides the time its own bytes need.
        call_most: for one call, however busy the server seems.
        slowest: bytes per second of the slowest line we wait for.
        idle: without a byte in one direction before a ping.
        ping: for its answer.
        steady: that a connection has to last before the next failure counts as the first.
        retry_least: the ceiling of the first wait before connecting again.
        retry_most: the ceiling of every later one.
    """

    connect: float = 15.0
    call: float = 30.0
    call_most: float = 600.0
    slowest: float = 16384.0
    idle: float = 45.0
    ping: float = 15.0
    steady: float = 30.0
    retry_least: float = 0.5
    retry_most: float = 60.0


DEFAULT_TIMINGS = Timings()
