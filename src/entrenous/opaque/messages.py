"""OPAQUE's messages (RFC 9807 §4.1, §5.1, §6.1) in the ristretto255-SHA512 configuration: every size is fixed."""

from typing import Annotated

from entrenous.codec import Bytes32, Bytes64, Fixed, Struct, struct

#: Bytes of a server public key and an envelope together, the part of KE2 that is masked (Npk + Nn + Nm).
MASKED_RESPONSE_SIZE = 128


@struct
class Envelope(Struct):
    """What lets the password's owner, and nobody else, find the private key again (§4.1.2)."""

    nonce: Bytes32
    auth_tag: Bytes64


@struct
class RegistrationRequest(Struct):
    """The blinded password, client to server."""

    blinded_message: Bytes32


@struct
class RegistrationResponse(Struct):
    """The blinded password under the server's key for this credential, and the server's public key."""

    evaluated_message: Bytes32
    server_public_key: Bytes32


@struct
class RegistrationRecord(Struct):
    """What the server keeps of an account."""

    client_public_key: Bytes32
    masking_key: Bytes64
    envelope: Envelope


@struct
class KE1(Struct):
    """The first login message, client to server: CredentialRequest and AuthRequest."""

    blinded_message: Bytes32
    client_nonce: Bytes32
    client_public_keyshare: Bytes32


@struct
class CredentialResponse(Struct):
    """The record's envelope, masked so that nobody without the password learns whether it is a real one (§6.3.2.2)."""

    evaluated_message: Bytes32
    masking_nonce: Bytes32
    masked_response: Annotated[bytes, Fixed(MASKED_RESPONSE_SIZE)]


@struct
class KE2(Struct):
    """The second login message, server to client: CredentialResponse and AuthResponse."""

    credential_response: CredentialResponse
    server_nonce: Bytes32
    server_public_keyshare: Bytes32
    server_mac: Bytes64


@struct
class KE3(Struct):
    """The third login message, client to server: the proof that the client knew the password."""

    client_mac: Bytes64


@struct
class Unmasked(Struct):
    """What ``CredentialResponse.masked_response`` hides."""

    server_public_key: Bytes32
    envelope: Envelope
