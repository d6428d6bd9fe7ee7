"""Extensions (RFC 9420 §13.4) and the bodies of those that RFC 9420 defines.

An extension of unknown type is carried as it came: whoever does not know it ignores it, and it encodes again to the
same bytes.
"""

from collections.abc import Iterable
from typing import Any

from entrenous.codec import Opaque, Struct, UInt16, Vector, decode_as, encode_as, struct
from entrenous.mls.types.credentials import Credential
from entrenous.mls.types.registries import ExtensionType, HPKEPublicKey, SignaturePublicKey


@struct
class Extension(Struct):
    """One extension, its body unread (RFC 9420 §7.2)."""

    extension_type: UInt16
    extension_data: Opaque


@struct
class RequiredCapabilities(Struct):
    """What every member of the group must support (RFC 9420 §11.1)."""

    extension_types: Vector[UInt16]
    proposal_types: Vector[UInt16]
    credential_types: Vector[UInt16]


@struct
class ExternalPub(Struct):
    """The group's HPKE public key for external commits (RFC 9420 §12.4.3.2)."""

    external_pub: HPKEPublicKey


@struct
class ExternalSender(Struct):
    """Someone outside the group whose proposals it takes (RFC 9420 §12.1.8.1)."""

    signature_key: SignaturePublicKey
    credential: Credential


#: The wire type of each body that this package reads.
_BODIES: dict[int, Any] = {
    ExtensionType.APPLICATION_ID: Opaque,
    ExtensionType.REQUIRED_CAPABILITIES: RequiredCapabilities,
    ExtensionType.EXTERNAL_PUB: ExternalPub,
    ExtensionType.EXTERNAL_SENDERS: Vector[ExternalSender],
}


def find_extension(extensions: Iterable[Extension], extension_type: int) -> bytes | None:
    """The body of the first extension of this type, None where there is none."""
    return next((e.extension_data for e in extensions if e.extension_type == extension_type), None)


def required_capabilities(extensions: Iterable[Extension]) -> RequiredCapabilities | None:
    """The required_capabilities of a GroupContext, None where it has none.

    Raises:
        MalformedError: the extension is there and is not a RequiredCapabilities.
    """
    required: RequiredCapabilities | None = _read(extensions, ExtensionType.REQUIRED_CAPABILITIES)
    return required


def external_pub(extensions: Iterable[Extension]) -> bytes | None:
    """The HPKE public key of a GroupInfo's external_pub, None where it has none.

    Raises:
        MalformedError: the extension is there and is not an ExternalPub.
    """
    found: ExternalPub | None = _read(extensions, ExtensionType.EXTERNAL_PUB)
    return None if found is None else found.external_pub


def external_senders(extensions: Iterable[Extension]) -> tuple[ExternalSender, ...]:
    """The external_senders of a GroupContext, none where it has no such extension.

    Raises:
        MalformedError: the extension is there and is not a list of ExternalSender.
    """
    return _read(extensions, ExtensionType.EXTERNAL_SENDERS) or ()


def check_bodies(extensions: Iterable[Extension]) -> None:
    """Read the body of every extension that RFC 9420 defines, so that later reads cannot fail.

    Raises:
        MalformedError: a body is not an encoding of its type.
    """
    for extension in extensions:
        body = _BODIES.get(extension.extension_type)
        if body is not None:
            decode_as(body, extension.extension_data)


def make_extension(extension_type: ExtensionType, body: object) -> Extension:
    """An extension that RFC 9420 defines, from its body."""
    return Extension(extension_type, encode_as(_BODIES[extension_type], body))


def _read(extensions: Iterable[Extension], extension_type: ExtensionType) -> Any:  # noqa: ANN401 each type has a body of its own, by _BODIES
    data = find_extension(extensions, extension_type)
    return None if data is None else decode_as(_BODIES[extension_type], data)
