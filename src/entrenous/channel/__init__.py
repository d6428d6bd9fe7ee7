"""The channel between client and server: a Noise handshake, then records that carry messages. Sans-I/O, both sides.

client = ClientConnection(pin=server_id, entropy=system_entropy, now=now)
write(client.data_to_send(now))
client.receive_data(read(), now)
while (event := client.next_event()) is not None:
    ...
client.send_message(b"hello")
write(client.data_to_send(now))
"""

from entrenous.channel.client import ClientConnection
from entrenous.channel.connection import MAX_AGE, MOVES, OPENING_SIZE, Connection, State
from entrenous.channel.events import Event, HandshakeFinished, MessageReceived, PeerClosed
from entrenous.channel.messages import LARGEST_MESSAGE, SMALL_MESSAGE, frame_message
from entrenous.channel.preface import MAGIC, PREFACE_SIZE, VERSION, encode_preface
from entrenous.channel.records import ALERT, MAX_BODY, RekeyPolicy
from entrenous.channel.server import ServerConnection, ServerCredential, issue_credential
from entrenous.channel.suites import CLASSIC, HYBRID, SUITES, Suite, suite_by_label

__all__ = [
    "ALERT",
    "CLASSIC",
    "HYBRID",
    "LARGEST_MESSAGE",
    "MAGIC",
    "MAX_AGE",
    "MAX_BODY",
    "MOVES",
    "OPENING_SIZE",
    "PREFACE_SIZE",
    "SMALL_MESSAGE",
    "SUITES",
    "VERSION",
    "ClientConnection",
    "Connection",
    "Event",
    "HandshakeFinished",
    "MessageReceived",
    "PeerClosed",
    "RekeyPolicy",
    "ServerConnection",
    "ServerCredential",
    "State",
    "Suite",
    "encode_preface",
    "frame_message",
    "issue_credential",
    "suite_by_label",
]
