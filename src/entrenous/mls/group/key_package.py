"""Making and judging KeyPackages (RFC 9420 §10, §10.1)."""

import dataclasses
from dataclasses import dataclass

from entrenous.codec import Opaque, Struct, struct
from entrenous.crypto import Entropy, KEMPrivateKey, Signer
from entrenous.errors import MalformedError, RejectedError, UsageError
from entrenous.mls.group.leaf import LeafProfile, sign_leaf
from entrenous.mls.suite import CipherSuite, cipher_suite
from entrenous.mls.tree import GroupRules, check_encryption_key, check_extensions, check_leaf, lists_extensions
from entrenous.mls.types import Extension, KeyPackage, LeafNode, Lifetime, ProtocolVersion

#: The signature label of KeyPackages (RFC 9420 §10).
LABEL = "KeyPackageTBS"
#: The longest lifetime, in seconds, of a KeyPackage that we add: a 30-day one, with a day for a clock that is wrong.
MAX_LIFETIME = 31 * 86_400


@dataclass(frozen=True, slots=True)
class KeyPackageBundle:
    """A KeyPackage of our own, with the private keys that make a Welcome for it readable once."""

    key_package: KeyPackage
    init_private: KEMPrivateKey
    encryption_private: KEMPrivateKey

    @property
    def suite(self) -> CipherSuite:
        """The suite that the KeyPackage is for."""
        return cipher_suite(self.key_package.cipher_suite)

    @property
    def reference(self) -> bytes:
        """The KeyPackageRef by which a Welcome names it."""
        return self.suite.key_package_ref(self.key_package.encode())

    def encode(self) -> bytes:
        """All of it, private keys in clear, for a store that is encrypted itself."""
        return _StoredBundle(self.key_package, self.init_private.reveal(), self.encryption_private.reveal()).encode()

    @classmethod
    def decode(cls, data: bytes) -> "KeyPackageBundle":
        """Read what ``encode`` wrote.

        Raises:
            MalformedError: ``data`` is something else.
            RejectedError: its suite is none that this library speaks.
        """
        stored = _StoredBundle.decode(data)
        hpke = cipher_suite(stored.key_package.cipher_suite).hpke
        try:
            init, encryption = hpke.key_pair(stored.init_private), hpke.key_pair(stored.encryption_private)
        except UsageError:
            raise MalformedError("a stored private key is none of its suite") from None
        if (init.public, encryption.public) != (
            stored.key_package.init_key,
            stored.key_package.leaf_node.encryption_key,
        ):
            raise MalformedError("stored private keys do not belong to their KeyPackage")
        return cls(stored.key_package, init.private, encryption.private)


@struct
class _StoredBundle(Struct):
    """A KeyPackageBundle as it is stored."""

    key_package: KeyPackage
    init_private: Opaque = dataclasses.field(repr=False)
    encryption_private: Opaque = dataclasses.field(repr=False)


def create_key_package(
    suite: CipherSuite,
    signer: Signer,
    profile: LeafProfile,
    lifetime: Lifetime,
    entropy: Entropy,
    *,
    extensions: tuple[Extension, ...] = (),
) -> KeyPackageBundle:
    """A new KeyPackage of our own (RFC 9420 §10).

    Args:
        suite: what it is for.
        signer: our signature key.
        profile: what our leaf shows.
        lifetime: when others may add it.
        entropy: for its two key pairs.
        extensions: of the KeyPackage itself; their types must be in the profile's capabilities.

    Raises:
        RejectedError: MLS-KEY-PACKAGE-EXTENSION, MLS-EXTENSION-TWICE or MLS-LEAF-SUITE: the profile does not list
            what the KeyPackage uses.
        UsageError: ``signer`` signs with another scheme than the suite's.
    """
    init, encryption = suite.hpke.generate(entropy), suite.hpke.generate(entropy)
    leaf = sign_leaf(suite, signer, profile, encryption.public, lifetime, None)
    unsigned = KeyPackage(ProtocolVersion.MLS10, suite.id, init.public, leaf, extensions, b"")
    _check_own(unsigned)
    signature = suite.sign_with_label(signer, LABEL, unsigned.to_be_signed())
    return KeyPackageBundle(dataclasses.replace(unsigned, signature=signature), init.private, encryption.private)


def check_key_package(key_package: KeyPackage, rules: GroupRules) -> None:
    """Check a KeyPackage for a group (RFC 9420 §10.1), but for its lifetime: the same for all members.

    Raises:
        CryptoError: a signature is wrong, or a key is none of the suite.
        MalformedError: an extension of RFC 9420 has a broken body.
        RejectedError: a rule is broken.
    """
    suite, leaf = rules.suite, key_package.leaf_node
    # RFC 9420 §10.1: "cipher suite and protocol version of the KeyPackage match those in the GroupContext"
    if key_package.cipher_suite != suite.id:
        raise RejectedError("MLS-KEY-PACKAGE-SUITE", f"a KeyPackage is for suite {key_package.cipher_suite:#06x}")
    # RFC 9420 §7.3: "verify that leaf_node_source is set to key_package"
    if not isinstance(leaf.source, Lifetime):
        raise RejectedError("MLS-LEAF-SOURCE", "the leaf of a KeyPackage came from elsewhere")
    # RFC 9420 §10.1: "leaf_node.encryption_key is different from the value of the init_key field"
    if leaf.encryption_key == key_package.init_key:
        raise RejectedError("MLS-KEY-PACKAGE-INIT-KEY", "a KeyPackage has one key in two roles")
    # RFC 9420 §10: "unknown extensions in KeyPackage.extensions MUST be ignored", whether or not they are listed
    check_extensions(key_package.extensions)
    check_leaf(leaf, rules, None)
    check_encryption_key(suite, key_package.init_key)
    suite.verify_with_label(leaf.signature_key, LABEL, key_package.to_be_signed(), key_package.signature)


def _check_own(key_package: KeyPackage) -> None:
    """Refuse to publish what others refuse, or had better."""
    check_extensions(key_package.extensions)
    _check_suite_listed(key_package)
    # RFC 9420 §10: extensions of a KeyPackage "MUST be included in the leaf_node.capabilities field"
    if not lists_extensions(key_package.leaf_node.capabilities, key_package.extensions):
        raise RejectedError(
            "MLS-KEY-PACKAGE-EXTENSION", "a KeyPackage holds an extension that its capabilities do not list"
        )


def _check_suite_listed(key_package: KeyPackage) -> None:
    # RFC 9420 §7.2: "The client MUST list all values for the respective parameters that it supports."
    if key_package.cipher_suite not in key_package.leaf_node.capabilities.cipher_suites:
        raise RejectedError("MLS-LEAF-SUITE", "a KeyPackage is of a suite that its leaf does not list")


def check_addable(key_package: KeyPackage, now: int, max_lifetime: int = MAX_LIFETIME) -> None:
    """What whoever adds a KeyPackage checks beyond what all members do, as ``commit`` does.

    Args:
        key_package: to be added.
        now: seconds since 1970.
        max_lifetime: the longest lifetime to accept, in seconds.

    Raises:
        RejectedError: MLS-LEAF-SUITE, or as ``check_lifetime``.
    """
    _check_suite_listed(key_package)
    check_lifetime(key_package, now, max_lifetime)


def check_lifetime(key_package: KeyPackage, now: int, max_lifetime: int = MAX_LIFETIME) -> None:
    """Check that a KeyPackage may be added now; for whoever adds it, not for those who receive the Add.

    Args:
        key_package: to be added.
        now: seconds since 1970.
        max_lifetime: the longest lifetime to accept, in seconds.

    Raises:
        RejectedError: it is not valid now, or for too long.
    """
    lifetime = key_package.leaf_node.source
    if not isinstance(lifetime, Lifetime):
        raise RejectedError("MLS-LEAF-SOURCE", "the leaf of a KeyPackage came from elsewhere")
    # RFC 9420 §7.3: "the client MUST verify that the current time is within the range of the lifetime field"
    if not lifetime.not_before <= now <= lifetime.not_after:
        raise RejectedError(
            "MLS-LEAF-LIFETIME", f"a KeyPackage is valid from {lifetime.not_before} to {lifetime.not_after}"
        )
    check_total_lifetime(key_package.leaf_node, max_lifetime)


def check_total_lifetime(leaf: LeafNode, max_lifetime: int | None) -> None:
    """Check that a leaf is not valid for too long altogether, which needs no clock: all members decide alike.

    Args:
        leaf: of a KeyPackage, in it or in a tree; the other leaves have no lifetime.
        max_lifetime: the longest that the application accepts, in seconds; None for any.

    Raises:
        RejectedError: rule MLS-LEAF-LIFETIME-TOTAL.
    """
    lifetime = leaf.source
    if max_lifetime is None or not isinstance(lifetime, Lifetime):
        return
    # RFC 9420 §7.2: "Applications MUST define a maximum total lifetime ... and reject any LeafNode" beyond it
    if lifetime.not_after - lifetime.not_before > max_lifetime:
        raise RejectedError("MLS-LEAF-LIFETIME-TOTAL", "a KeyPackage is valid for longer than we accept")
