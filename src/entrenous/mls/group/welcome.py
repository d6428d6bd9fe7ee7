"""Welcome: what a Commit's newcomers are sent, sealed and opened (RFC 9420 §12.4.3.1); ``joining`` believes it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from entrenous.crypto import Entropy
from entrenous.errors import RejectedError
from entrenous.mls.group.key_package import KeyPackageBundle
from entrenous.mls.group.psks import (
    PskSource,
    find_psk_secret,
)
from entrenous.mls.schedule import (
    JoinerSecret,
    MemberSecret,
    WelcomeKey,
    derive_member_secret,
    derive_welcome_key,
)
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import TreePathSecret
from entrenous.mls.types import (
    EncryptedGroupSecrets,
    GroupInfo,
    GroupSecrets,
    HPKECiphertext,
    KeyPackage,
    PathSecret,
    PreSharedKeyID,
    Welcome,
)
from entrenous.trace import SILENT, Trace

#: The label under which GroupSecrets are encrypted (RFC 9420 §12.4.3.1).
LABEL = "Welcome"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """One whom a Commit adds, and the path secret that he shares with the committer, if there is a path."""

    key_package: KeyPackage
    path_secret: TreePathSecret | None


def make_welcome(
    suite: CipherSuite,
    joiner_secret: JoinerSecret,
    welcome_key: WelcomeKey,
    group_info: GroupInfo,
    newcomers: Sequence[Newcomer],
    psks: Iterable[PreSharedKeyID],
    entropy: Entropy,
) -> Welcome:
    """One Welcome for all whom a Commit adds.

    Raises:
        CryptoError: a newcomer's init key is none of the suite.
    """
    psks = tuple(psks)
    sealed_info = suite.aead_key(welcome_key.key).seal(welcome_key.nonce, group_info.encode(), b"")
    # RFC 9420 §12.4.3.1 binds every newcomer's secrets to the whole GroupInfo, which may hold the tree.
    encrypt = suite.encrypter_with_label(LABEL, sealed_info, entropy)
    entries = []
    for newcomer in newcomers:
        path_secret = None if newcomer.path_secret is None else PathSecret(newcomer.path_secret.reveal())
        secrets = GroupSecrets(joiner_secret.reveal(), path_secret, psks).encode()
        sealed = encrypt(newcomer.key_package.init_key, secrets)
        reference = suite.key_package_ref(newcomer.key_package.encode())
        entries.append(EncryptedGroupSecrets(reference, HPKECiphertext(*sealed)))
    return Welcome(suite.id, tuple(entries), sealed_info)


def open_secrets(
    welcome: Welcome, find_bundle: Callable[[bytes], KeyPackageBundle | None]
) -> tuple[KeyPackageBundle, GroupSecrets]:
    """Decrypt the part of a Welcome that is for one of our KeyPackages.

    Raises:
        CryptoError: it is not genuine.
        MalformedError: what was decrypted is no GroupSecrets.
        RejectedError: rule MLS-WELCOME-NOT-FOR-US.
    """
    for entry in welcome.secrets:
        bundle = find_bundle(entry.new_member)
        # RFC 9420 §12.4.3.1: "if the cipher suite indicated in the KeyPackage does not match the one in the Welcome"
        if bundle is None or bundle.key_package.cipher_suite != welcome.cipher_suite:
            continue
        sealed = entry.encrypted_group_secrets
        opened = bundle.suite.decrypt_with_label(
            bundle.init_private, LABEL, welcome.encrypted_group_info, sealed.kem_output, sealed.ciphertext
        )
        return bundle, GroupSecrets.decode(opened)
    raise RejectedError("MLS-WELCOME-NOT-FOR-US", "a Welcome names no KeyPackage of ours")


def open_group_info(
    suite: CipherSuite, welcome: Welcome, secrets: GroupSecrets, psks: PskSource, *, trace: Trace = SILENT
) -> tuple[GroupInfo, MemberSecret]:
    """Decrypt a Welcome's GroupInfo; returns it, unchecked, and the secret that leads to the epoch.

    Raises:
        CryptoError: it is not genuine.
        MalformedError: what was decrypted is no GroupInfo.
        RejectedError: MLS-PSK-UNKNOWN.
    """
    psk_secret = find_psk_secret(suite, secrets.psks, psks, trace=trace)
    member_secret = derive_member_secret(suite, JoinerSecret(secrets.joiner_secret), psk_secret, trace=trace)
    key = derive_welcome_key(suite, member_secret, trace=trace)
    opened = suite.aead_key(key.key).open(key.nonce, welcome.encrypted_group_info, b"")
    return GroupInfo.decode(opened), member_secret
