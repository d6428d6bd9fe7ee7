"""The Noise Protocol Framework, revision 34, with hybrid forward secrecy (hfs): handshakes and transport ciphers.

protocol = parse_protocol_name("Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256")
handshake = HandshakeState(protocol, initiator=True, prologue=preface, entropy=system_entropy)
send(handshake.write_message())
payload = handshake.read_message(receive())
sending, receiving = handshake.split()
"""

from entrenous.noise.cipher_state import KEY_SIZE, MAX_MESSAGE, TAG_SIZE, CipherState
from entrenous.noise.handshake_state import HandshakeState, State, Transport
from entrenous.noise.patterns import PATTERNS, HandshakePattern, Token, parse_pattern
from entrenous.noise.protocol_name import NoiseProtocol, parse_protocol_name
from entrenous.noise.symmetric_state import PSK_SIZE, SymmetricState

__all__ = [
    "KEY_SIZE",
    "MAX_MESSAGE",
    "PATTERNS",
    "PSK_SIZE",
    "TAG_SIZE",
    "CipherState",
    "HandshakePattern",
    "HandshakeState",
    "NoiseProtocol",
    "State",
    "SymmetricState",
    "Token",
    "Transport",
    "parse_pattern",
    "parse_protocol_name",
]
