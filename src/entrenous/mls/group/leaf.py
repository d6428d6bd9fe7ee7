"""Making our own leaves: what a member says of itself, and its signature (RFC 9420 §7.2)."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from entrenous.crypto import Entropy, Signer, draw
from entrenous.errors import UsageError
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree.validation import DEFAULT_EXTENSIONS, LEAF_LABEL
from entrenous.mls.types import (
    GREASE_VALUES,
    Capabilities,
    Credential,
    CredentialType,
    Extension,
    LeafNode,
    LeafPlace,
    ProtocolVersion,
    Source,
)

_GREASE = sorted(GREASE_VALUES)
#: Bytes that a GREASE extension's body stays below.
_MAX_GREASE = 16


@dataclass(frozen=True, slots=True)
class LeafProfile:
    """What a member shows of itself, apart from its keys.

    Attributes:
        credential: who it is.
        capabilities: what its client supports; see ``make_capabilities``.
        extensions: more about it; their types must be in ``capabilities``.
    """

    credential: Credential
    capabilities: Capabilities
    extensions: tuple[Extension, ...] = ()

    @classmethod
    def of(cls, leaf: LeafNode) -> "LeafProfile":
        """What an existing leaf shows."""
        return cls(leaf.credential, leaf.capabilities, leaf.extensions)


@dataclass(frozen=True, slots=True)
class LeafChange:
    """What a Commit changes in its sender's leaf beside the encryption key; None leaves a part as it is."""

    profile: LeafProfile | None = None
    signer: Signer | None = None


def make_capabilities(
    suites: Iterable[CipherSuite],
    entropy: Entropy,
    *,
    extension_types: Iterable[int] = (),
    credential_types: Iterable[int] = (CredentialType.BASIC,),
) -> Capabilities:
    """What a client of this library supports, with a random GREASE value in every list that may hold one (§13.5).

    Args:
        suites: those that the client takes part with.
        entropy: chooses the GREASE values.
        extension_types: extensions that the application knows; those of RFC 9420 need not and must not be listed.
        credential_types: credentials that the application can judge.
    """
    grease = [_GREASE[byte % len(_GREASE)] for byte in draw(entropy, 4)]
    extensions = [number for number in extension_types if number not in DEFAULT_EXTENSIONS]
    return Capabilities(
        versions=(ProtocolVersion.MLS10,),
        cipher_suites=(*(suite.id for suite in suites), grease[0]),
        extensions=(*extensions, grease[1]),
        proposals=(grease[2],),
        credentials=(*credential_types, grease[3]),
    )


def grease_extension(entropy: Entropy, capabilities: Capabilities | None = None) -> Extension:
    """An extension that everybody else has to ignore, for a leaf, a KeyPackage or a GroupInfo (RFC 9420 §13.5).

    Args:
        entropy: chooses its body, and its type where that is free.
        capabilities: of the leaf or the KeyPackage that it goes into, which must list its type; None for a GroupInfo.

    Raises:
        UsageError: the capabilities list no GREASE value among their extensions.
    """
    types = _GREASE if capabilities is None else [number for number in capabilities.extensions if number in _GREASE]
    if not types:
        raise UsageError("these capabilities list no GREASE extension")
    place, size = draw(entropy, 2)
    return Extension(types[place % len(types)], draw(entropy, size % _MAX_GREASE))


def sign_leaf(
    suite: CipherSuite,
    signer: Signer,
    profile: LeafProfile,
    encryption_key: bytes,
    source: Source,
    place: LeafPlace | None,
) -> LeafNode:
    """A signed leaf.

    Args:
        suite: the group's, or the KeyPackage's.
        signer: our signature key, which becomes the leaf's.
        profile: what the leaf shows.
        encryption_key: its HPKE public key.
        source: how it comes into the tree.
        place: where it will stand; None for a KeyPackage.

    Raises:
        UsageError: ``signer`` signs with another scheme than the suite's.
    """
    unsigned = LeafNode(
        encryption_key, signer.public, profile.credential, profile.capabilities, source, profile.extensions, b""
    )
    signature = suite.sign_with_label(signer, LEAF_LABEL, unsigned.to_be_signed(place))
    return dataclasses.replace(unsigned, signature=signature)


def check_signer(signer: Signer, leaf: LeafNode) -> None:
    """Refuse to sign for a leaf with another leaf's key.

    Raises:
        UsageError: the leaf names another signature key.
    """
    if signer.public != leaf.signature_key:
        raise UsageError("the signer's key is not that of the member's leaf")
