"""Joining a group by a Welcome (RFC 9420 §12.4.3.1)."""

from collections.abc import Callable
from dataclasses import dataclass

from entrenous.crypto import KEMPrivateKey
from entrenous.errors import RejectedError
from entrenous.mls.group.credentials import CredentialValidator, accept_credentials
from entrenous.mls.group.group import Group, NewEpoch
from entrenous.mls.group.group_info import CheckedGroupInfo, check_group_info, judge_members
from entrenous.mls.group.key_package import KeyPackageBundle
from entrenous.mls.group.links import Identify, Link, check_link, find_link, whole_credential
from entrenous.mls.group.psks import (
    GroupSource,
    PskSource,
    check_not_in,
    check_psk_ids,
    no_groups,
    no_psks,
    psk_source_of,
)
from entrenous.mls.group.welcome import open_group_info, open_secrets
from entrenous.mls.schedule import (
    MemberSecret,
    derive_epoch_secret,
    derive_epoch_secrets,
    interim_transcript_hash,
    verify_confirmation_tag,
)
from entrenous.mls.tree import RatchetTree, TreePathSecret, derive_path
from entrenous.mls.tree.tree_math import common_ancestor
from entrenous.mls.types import (
    GroupInfo,
    MLSMessage,
    PathSecret,
    ResumptionPSK,
    Welcome,
)
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class Joined:
    """A group as its newcomer holds it.

    Attributes:
        epoch: the epoch that he joined in.
        group_info: what the Welcome said of the group; the application's extensions are in it.
        inviter: leaf index of the member who signed it.
        link: the resumption PSK that proves which group of ours it succeeds or branches from; None in any other.
    """

    epoch: NewEpoch
    group_info: GroupInfo
    inviter: int
    link: ResumptionPSK | None = None


@dataclass(frozen=True, slots=True)
class OpenedWelcome:
    """A Welcome that was decrypted and not yet believed: ``join_opened`` checks what it says.

    Attributes:
        group_info: what it says of the group; the application's extensions are in it.
        bundle: the KeyPackage of ours that it was made for.
        path_secret: what we share with the committer's path, if there is one.
        member_secret: of the epoch that it leads to.
        link: to the older group of ours that it succeeds or branches from, if it does.
    """

    group_info: GroupInfo
    bundle: KeyPackageBundle
    path_secret: PathSecret | None
    member_secret: MemberSecret
    link: Link | None = None


def join(
    message: bytes,
    find_bundle: Callable[[bytes], KeyPackageBundle | None],
    *,
    tree: RatchetTree | None = None,
    psks: PskSource = no_psks,
    groups: GroupSource = no_groups,
    identify: Identify = whole_credential,
    credentials: CredentialValidator = accept_credentials,
    max_lifetime: int | None = None,
    trace: Trace = SILENT,
) -> Joined:
    """Join a group by a Welcome. The KeyPackage's private keys are to be deleted afterwards.

    Who the members are is the caller's to judge, and, without ``groups``, whether we are in the group already.

    Args:
        message: the encoded MLSMessage.
        find_bundle: our KeyPackage with this reference, if we have it.
        tree: the ratchet tree from elsewhere; None takes it out of the GroupInfo.
        psks: pre-shared keys of the application.
        groups: those that we take part in; needed where a group succeeds one of them or branches from it.
        identify: tells who is who in both groups.
        credentials: judges who the members say they are.
        max_lifetime: the longest lifetime, in seconds, of a KeyPackage that was added; None for any.
        trace: told what was derived.

    Raises:
        CryptoError: it is not genuine.
        MalformedError: the bytes are no Welcome, or what was decrypted is none of its parts.
        RejectedError: a rule is broken; MLS-WELCOME-NOT-FOR-US, no KeyPackage of ours is named.
    """
    opened = open_welcome(message, find_bundle, psks=psks, groups=groups, trace=trace)
    return join_opened(
        opened, tree=tree, identify=identify, credentials=credentials, max_lifetime=max_lifetime, trace=trace
    )


def open_welcome(
    message: bytes,
    find_bundle: Callable[[bytes], KeyPackageBundle | None],
    *,
    psks: PskSource = no_psks,
    groups: GroupSource = no_groups,
    trace: Trace = SILENT,
) -> OpenedWelcome:
    """Decrypt a Welcome, for who needs its GroupInfo to find the ratchet tree elsewhere; then ``join_opened``.

    Args:
        message: the encoded MLSMessage.
        find_bundle: our KeyPackage with this reference, if we have it.
        psks: pre-shared keys of the application.
        groups: those that we take part in.
        trace: told what was derived.

    Raises:
        CryptoError, MalformedError, RejectedError: as ``join``.
    """
    welcome = MLSMessage.decode(message).body
    if not isinstance(welcome, Welcome):
        raise RejectedError("MLS-MESSAGE-KIND", f"a {type(welcome).__name__} is no Welcome")
    bundle, secrets = open_secrets(welcome, find_bundle)
    suite = bundle.suite
    link = find_link(secrets.psks, groups)
    check_psk_ids(suite, secrets.psks, link=None if link is None else link.psk)
    info, member_secret = open_group_info(suite, welcome, secrets, psk_source_of(groups, psks), trace=trace)
    # RFC 9420 §12.4.3.1: "the cipher_suite in the GroupInfo matches the cipher_suite in the KeyPackage"
    if info.group_context.cipher_suite != suite.id:
        raise RejectedError("MLS-WELCOME-SUITE", "a Welcome's GroupInfo is of another suite")
    check_not_in(info.group_context.group_id, groups)
    return OpenedWelcome(info, bundle, secrets.path_secret, member_secret, link)


def join_opened(
    opened: OpenedWelcome,
    *,
    tree: RatchetTree | None = None,
    identify: Identify = whole_credential,
    credentials: CredentialValidator = accept_credentials,
    max_lifetime: int | None = None,
    trace: Trace = SILENT,
) -> Joined:
    """Join a group by a Welcome that was opened; see ``join``.

    Raises:
        CryptoError, MalformedError, RejectedError: as ``join``.
    """
    info, bundle = opened.group_info, opened.bundle
    checked = check_group_info(info, tree)
    if opened.link is not None:
        check_link(opened.link, info.group_context, checked.tree, identify)
    suite = bundle.suite
    own_leaf, keys = _take_place(checked, bundle, opened.path_secret, trace)
    judge_members(checked, own_leaf, credentials, max_lifetime)
    epoch_secret = derive_epoch_secret(suite, opened.member_secret, info.group_context.encode(), trace=trace)
    new = derive_epoch_secrets(suite, epoch_secret, trace=trace)
    confirmed = info.group_context.confirmed_transcript_hash
    verify_confirmation_tag(suite, new.secrets.confirmation_key, confirmed, info.confirmation_tag)
    interim = interim_transcript_hash(suite, confirmed, info.confirmation_tag)
    group = Group(info.group_context, checked.tree, new.secrets, own_leaf, keys, interim, info.confirmation_tag)
    link = None if opened.link is None else opened.link.psk
    return Joined(NewEpoch.of(group, new.encryption_secret, trace=trace), info, info.signer, link)


def _take_place(
    checked: CheckedGroupInfo, bundle: KeyPackageBundle, path_secret: PathSecret | None, trace: Trace
) -> tuple[int, dict[int, KEMPrivateKey]]:
    """Our leaf index, and the private keys that the Welcome gave us."""
    tree, signer = checked.tree, checked.info.signer
    own_leaf = next((index for index, leaf in tree.members() if leaf == bundle.key_package.leaf_node), None)
    # RFC 9420 §12.4.3.1: "Identify a leaf whose LeafNode is identical to the one in the KeyPackage"
    if own_leaf is None or own_leaf == signer:
        raise RejectedError("MLS-WELCOME-NO-LEAF", "a Welcome's tree does not hold our leaf beside its sender's")
    keys = {2 * own_leaf: bundle.encryption_private}
    if path_secret is not None:
        keys.update(_shared_keys(checked, own_leaf, TreePathSecret(path_secret.path_secret), trace))
    return own_leaf, keys


def _shared_keys(
    checked: CheckedGroupInfo, own_leaf: int, path_secret: TreePathSecret, trace: Trace
) -> dict[int, KEMPrivateKey]:
    tree, suite = checked.tree, checked.suite
    if len(path_secret) != suite.secret_size:
        raise RejectedError("MLS-WELCOME-PATH-SECRET", "a Welcome's path secret has the wrong size")
    signer = checked.info.signer
    nodes = [node for node, _ in tree.filtered_direct_path(signer)]
    shared = nodes[nodes.index(common_ancestor(own_leaf, signer)) :]
    derived = derive_path(suite, path_secret, len(shared), trace=trace)
    # RFC 9420 §12.4.3.1: "MUST be the private key that corresponds to the public key in the node"
    for node, key in zip(shared, derived.keys, strict=True):
        at = tree.node(node)
        if at is None or at.encryption_key != key.public:
            raise RejectedError("MLS-WELCOME-PATH-SECRET", "a Welcome's path secret leads to other keys")
    return {node: key.private for node, key in zip(shared, derived.keys, strict=True)}
