"""Groups out of groups: the successor of one that was reinitialised, and branches (RFC 9420 §11.2, §11.3).

Whoever founds one commits once, alone in the new group: that Commit's Welcome brings the others in, and the Commit
itself is sent to nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entrenous.crypto import Entropy, Signer
from entrenous.errors import RejectedError, UsageError
from entrenous.mls.group.commit import OwnCommit, commit
from entrenous.mls.group.commit_plan import InfoOptions
from entrenous.mls.group.create import create_group
from entrenous.mls.group.credentials import CredentialValidator, accept_credentials
from entrenous.mls.group.group import Group, NewEpoch
from entrenous.mls.group.key_package import MAX_LIFETIME
from entrenous.mls.group.leaf import LeafProfile
from entrenous.mls.group.links import Identify, Link, check_link, whole_credential
from entrenous.mls.group.psks import name_psk
from entrenous.mls.schedule import SecretTree
from entrenous.mls.suite import cipher_suite
from entrenous.mls.types import (
    Add,
    Extension,
    KeyPackage,
    PreSharedKey,
    Proposal,
    ResumptionPSK,
    ResumptionPSKUsage,
)
from entrenous.trace import SILENT, Trace


@dataclass(frozen=True, slots=True)
class Founding:
    """Who founds a group out of another, and with whom.

    Attributes:
        signer: our signature key in the new group, of its suite's scheme.
        profile: what our leaf shows there; its credential is that of our leaf in the old group.
        members: a fresh KeyPackage, of the new group's suite, of every other member.
        now: seconds since 1970, to judge the lifetimes of the KeyPackages.
        max_lifetime: the longest lifetime of one, in seconds.
        info: what the GroupInfos say.
        identify: tells who is who in both groups.
        credentials: judges who the new leaves say they are.
    """

    signer: Signer
    profile: LeafProfile
    members: Sequence[KeyPackage]
    now: int
    max_lifetime: int = MAX_LIFETIME
    info: InfoOptions | None = None
    identify: Identify = whole_credential
    credentials: CredentialValidator = accept_credentials


def reinitialize(old: Group, founding: Founding, entropy: Entropy, *, trace: Trace = SILENT) -> OwnCommit:
    """Found the successor that a committed ReInit names (RFC 9420 §11.2). Any member of the old group may.

    Args:
        old: the group that the ReInit ended, in its last epoch.
        founding: by whom, and with whom: all members of the old group.
        entropy: for all that is fresh in it.
        trace: told what was derived.

    Returns:
        The first Commit: its ``epoch`` is the new group, its ``welcome`` is for the others, its ``message`` for nobody.

    Raises:
        CryptoError, MalformedError, RejectedError, UsageError: as ``create_group`` and ``commit``; MLS-REINIT-…, the
            group was not reinitialised, or the members are others.
    """
    if old.reinit is None:
        raise RejectedError("MLS-REINIT-NOT-AGREED", "no ReInit ended this group")
    suite = cipher_suite(old.reinit.cipher_suite)
    group_id, extensions = old.reinit.group_id, old.reinit.extensions
    first = create_group(
        suite, group_id, founding.signer, founding.profile, entropy, extensions=extensions, trace=trace
    )
    return _found(old, ResumptionPSKUsage.REINIT, first, founding, entropy, trace)


def branch(
    old: Group,
    group_id: bytes,
    founding: Founding,
    entropy: Entropy,
    *,
    extensions: tuple[Extension, ...] | None = None,
    trace: Trace = SILENT,
) -> OwnCommit:
    """Found a new group with some members of a group (RFC 9420 §11.3), which goes on as it is.

    Args:
        old: the group to branch from.
        group_id: of the new group; random.
        founding: by whom, and with whom.
        entropy: for all that is fresh in it.
        extensions: of the new GroupContext; None takes those of ``old``.
        trace: told what was derived.

    Returns:
        As ``reinitialize``.

    Raises:
        CryptoError, MalformedError, RejectedError, UsageError: as ``create_group`` and ``commit``; MLS-BRANCH-MEMBERS,
            somebody is no member of ``old``.
    """
    if group_id == old.group_id:
        raise UsageError("a branch is a group of its own")
    shared = old.context.extensions if extensions is None else extensions
    first = create_group(
        old.suite, group_id, founding.signer, founding.profile, entropy, extensions=shared, trace=trace
    )
    return _found(old, ResumptionPSKUsage.BRANCH, first, founding, entropy, trace)


def _found(
    old: Group, usage: ResumptionPSKUsage, first: NewEpoch, founding: Founding, entropy: Entropy, trace: Trace
) -> OwnCommit:
    link = Link(ResumptionPSK(usage, old.group_id, old.epoch), old)
    proposals: list[Proposal] = [Add(key_package) for key_package in founding.members]
    proposals.append(PreSharedKey(name_psk(first.group.suite, link.psk, entropy)))
    own = commit(
        first.group,
        SecretTree(first.nodes),
        founding.signer,
        entropy,
        proposals=proposals,
        now=founding.now,
        max_lifetime=founding.max_lifetime,
        info=founding.info,
        credentials=founding.credentials,
        link=link,
        trace=trace,
    )
    check_link(link, own.epoch.group.context, own.epoch.group.tree, founding.identify)
    return own
