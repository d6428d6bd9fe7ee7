"""Choices that RFC 9420 leaves to whoever creates a group or commits, made as it says (§11, §12.2, §12.4)."""

from collections.abc import Iterable, Sequence

from entrenous.errors import CryptoError, MalformedError, RejectedError
from entrenous.mls.group.apply import apply_proposals
from entrenous.mls.group.group import Group
from entrenous.mls.group.key_package import MAX_LIFETIME, check_addable
from entrenous.mls.group.proposals import CachedProposal, Proposed, collect
from entrenous.mls.group.psks import PskSource, no_psks, only_group, psk_source_of
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import (
    Add,
    GroupContextExtensions,
    LeafNode,
    PreSharedKey,
    ProtocolVersion,
    ReInit,
    Remove,
    Update,
)

#: RFC 9420 §12.2: the committer "SHOULD prefer any Remove received" over Updates of the same leaf; the rest follows in
#: the order in which it is applied (§12.3).
_ORDER = (Remove, Update, GroupContextExtensions, Add, PreSharedKey)


def best_suite(preferred: Iterable[CipherSuite], leaves: Iterable[LeafNode]) -> CipherSuite:
    """The best suite for a group whose members are known before it is created (RFC 9420 §11).

    A service that hands out KeyPackages of a weaker suite than their owners support is found out by this.

    Args:
        preferred: the suites that we would use, the best first.
        leaves: of the future members' KeyPackages.

    Raises:
        RejectedError: rule MLS-SUITE-NONE-SHARED.
    """
    capabilities = {leaf.capabilities for leaf in leaves}
    for suite in preferred:
        # RFC 9420 §11: "the best option supported by all members"
        if all(suite.id in one.cipher_suites and ProtocolVersion.MLS10 in one.versions for one in capabilities):
            return suite
    raise RejectedError("MLS-SUITE-NONE-SHARED", "no suite of ours is supported by all future members")


def choose_proposals(
    group: Group,
    cached: Iterable[CachedProposal],
    *,
    now: int | None = None,
    max_lifetime: int = MAX_LIFETIME,
    psks: PskSource = no_psks,
) -> tuple[CachedProposal, ...]:
    """Which received proposals to commit: as many as make a valid list, so that no bad one stops the others.

    Removes win over Updates of the same leaf, later Updates over earlier ones, and everything over a ReInit, which can
    be proposed again. Whether the application allows them is its own to say before.

    Args:
        group: the epoch to end.
        cached: the epoch's proposals, in the order of their arrival.
        now: seconds since 1970; None leaves out all Adds, whose lifetime cannot be judged.
        max_lifetime: the longest lifetime, in seconds, of a KeyPackage that we add.
        psks: pre-shared keys of the application.

    Returns:
        The proposals for ``commit``'s ``by_reference``.
    """
    received = [known for known in cached if known.epoch == group.epoch]
    candidates = [known for kind in _ORDER for known in _of_kind(received, kind)]

    def is_valid(*proposals: CachedProposal) -> bool:
        return _is_valid(group, proposals, now, max_lifetime, psks)

    if is_valid(*candidates):
        chosen = candidates
    else:
        chosen = []
        for candidate in candidates:
            if is_valid(*chosen, candidate):
                chosen.append(candidate)
    # RFC 9420 §12.2: "they SHOULD prefer them over the ReInit proposal"
    return tuple(chosen) or tuple(known for known in _of_kind(received, ReInit) if is_valid(known))[:1]


def _of_kind(received: list[CachedProposal], kind: type) -> list[CachedProposal]:
    found = [known for known in received if isinstance(known.proposal, kind)]
    # RFC 9420 §12.2: "the most recent Update if there are no Removes"
    return found[::-1] if kind is Update else found


def _is_valid(
    group: Group, proposals: Sequence[CachedProposal], now: int | None, max_lifetime: int, psks: PskSource
) -> bool:
    find = psk_source_of(only_group(group), psks)
    try:
        listed = collect(group, group.own_leaf, [Proposed(known.sender, known.proposal) for known in proposals])
        for key_package in listed.adds:
            if now is None:
                return False
            check_addable(key_package, now, max_lifetime)
        apply_proposals(group.rules, group.context.extensions, group.tree, listed)
    except (CryptoError, MalformedError, RejectedError):
        return False
    return all(find(identity.psk) is not None for identity in listed.psks)
