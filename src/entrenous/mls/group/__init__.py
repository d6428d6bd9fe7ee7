"""Groups: creating, changing, joining and leaving them (RFC 9420 §10 to §12).

A ``Group`` is one epoch as one member holds it, an immutable value. Everything that changes a group is a function from
one to a ``NewEpoch``: the next Group, and the secret tree that its messages' keys come from. What a function refuses
leaves everything as it was. The keys of messages live behind a ``schedule.KeySource``; ``framing`` protects and
unprotects messages with both.

    create_group, join, external_commit   make the first Group that we hold
    commit, propose, make_update          change it ourselves
    reinitialize, branch                  found another group out of it
    framing.unprotect, then stage         take a Commit of somebody else
"""

from entrenous.mls.group.choosing import best_suite, choose_proposals
from entrenous.mls.group.commit import OwnCommit, commit
from entrenous.mls.group.commit_plan import InfoOptions
from entrenous.mls.group.create import create_group
from entrenous.mls.group.credentials import CredentialValidator, Presented, accept_credentials
from entrenous.mls.group.external import external_commit
from entrenous.mls.group.group import RESUMPTION_EPOCHS, Group, NewEpoch
from entrenous.mls.group.group_info import CheckedGroupInfo, check_group_info, make_group_info
from entrenous.mls.group.joining import Joined, OpenedWelcome, join, join_opened, open_welcome
from entrenous.mls.group.key_package import (
    MAX_LIFETIME,
    KeyPackageBundle,
    check_addable,
    check_key_package,
    check_lifetime,
    create_key_package,
)
from entrenous.mls.group.leaf import LeafChange, LeafProfile, grease_extension, make_capabilities
from entrenous.mls.group.links import Identify, whole_credential
from entrenous.mls.group.process import DIVERGING_RULES, Eviction, StagedCommit, stage
from entrenous.mls.group.proposals import CachedProposal, Proposed, cache_proposal
from entrenous.mls.group.propose import OwnProposal, OwnUpdate, make_update, propose, propose_from_outside
from entrenous.mls.group.psks import GroupSource, PskSource, name_psk, no_groups, no_psks
from entrenous.mls.group.successor import Founding, branch, reinitialize
from entrenous.mls.group.view import CommitView, Policy, accept_all

__all__ = [
    "DIVERGING_RULES",
    "MAX_LIFETIME",
    "RESUMPTION_EPOCHS",
    "CachedProposal",
    "CheckedGroupInfo",
    "CommitView",
    "CredentialValidator",
    "Eviction",
    "Founding",
    "Group",
    "GroupSource",
    "Identify",
    "InfoOptions",
    "Joined",
    "KeyPackageBundle",
    "LeafChange",
    "LeafProfile",
    "NewEpoch",
    "OpenedWelcome",
    "OwnCommit",
    "OwnProposal",
    "OwnUpdate",
    "Policy",
    "Presented",
    "Proposed",
    "PskSource",
    "StagedCommit",
    "accept_all",
    "accept_credentials",
    "best_suite",
    "branch",
    "cache_proposal",
    "check_addable",
    "check_group_info",
    "check_key_package",
    "check_lifetime",
    "choose_proposals",
    "commit",
    "create_group",
    "create_key_package",
    "external_commit",
    "grease_extension",
    "join",
    "join_opened",
    "make_capabilities",
    "make_group_info",
    "make_update",
    "name_psk",
    "no_groups",
    "no_psks",
    "open_welcome",
    "propose",
    "propose_from_outside",
    "reinitialize",
    "stage",
    "whole_credential",
]
