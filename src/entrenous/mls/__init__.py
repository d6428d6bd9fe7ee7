"""Messaging Layer Security (RFC 9420): wire types, ratchet tree, key schedule, framing and groups.

This is the surface for applications; docs/mls.md leads through it. Names are loaded when they are first used, so that
a server, which reads the ``types`` of messages, never loads what could open one.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrenous.mls.framing import Padding, Protected, Received, no_padding, protect_application, unprotect
    from entrenous.mls.group import (
        CachedProposal,
        CommitView,
        CredentialValidator,
        Eviction,
        Founding,
        Group,
        GroupSource,
        Identify,
        InfoOptions,
        Joined,
        KeyPackageBundle,
        LeafChange,
        LeafProfile,
        NewEpoch,
        OwnCommit,
        OwnProposal,
        OwnUpdate,
        Policy,
        Presented,
        PskSource,
        StagedCommit,
        best_suite,
        branch,
        cache_proposal,
        choose_proposals,
        commit,
        create_group,
        create_key_package,
        external_commit,
        grease_extension,
        join,
        make_capabilities,
        make_group_info,
        make_update,
        name_psk,
        propose,
        propose_from_outside,
        reinitialize,
        stage,
    )
    from entrenous.mls.schedule import KeyChanges, KeySource, Ratchet, RatchetKind, RatchetLimits, SecretTree
    from entrenous.mls.suite import ROOM_SUITE, SUITES, CipherSuite, cipher_suite
    from entrenous.mls.tree import RatchetTree
    from entrenous.mls.types import (
        PSK,
        Add,
        ApplicationData,
        BasicCredential,
        Commit,
        Extension,
        ExtensionType,
        ExternalPSK,
        GroupContextExtensions,
        GroupInfo,
        InlineProposal,
        KeyPackage,
        LeafNode,
        Lifetime,
        MLSMessage,
        PreSharedKey,
        PreSharedKeyID,
        ProtocolVersion,
        RatchetTreeNodes,
        ReInit,
        Remove,
        RequiredCapabilities,
        ResumptionPSK,
        ResumptionPSKUsage,
        Update,
        WireFormat,
        X509Credential,
        find_extension,
        make_extension,
    )

__all__ = [
    "PSK",
    "ROOM_SUITE",
    "SUITES",
    "Add",
    "ApplicationData",
    "BasicCredential",
    "CachedProposal",
    "CipherSuite",
    "Commit",
    "CommitView",
    "CredentialValidator",
    "Eviction",
    "Extension",
    "ExtensionType",
    "ExternalPSK",
    "Founding",
    "Group",
    "GroupContextExtensions",
    "GroupInfo",
    "GroupSource",
    "Identify",
    "InfoOptions",
    "InlineProposal",
    "Joined",
    "KeyChanges",
    "KeyPackage",
    "KeyPackageBundle",
    "KeySource",
    "LeafChange",
    "LeafNode",
    "LeafProfile",
    "Lifetime",
    "MLSMessage",
    "NewEpoch",
    "OwnCommit",
    "OwnProposal",
    "OwnUpdate",
    "Padding",
    "Policy",
    "PreSharedKey",
    "PreSharedKeyID",
    "Presented",
    "Protected",
    "ProtocolVersion",
    "PskSource",
    "Ratchet",
    "RatchetKind",
    "RatchetLimits",
    "RatchetTree",
    "RatchetTreeNodes",
    "ReInit",
    "Received",
    "Remove",
    "RequiredCapabilities",
    "ResumptionPSK",
    "ResumptionPSKUsage",
    "SecretTree",
    "StagedCommit",
    "Update",
    "WireFormat",
    "X509Credential",
    "best_suite",
    "branch",
    "cache_proposal",
    "choose_proposals",
    "cipher_suite",
    "commit",
    "create_group",
    "create_key_package",
    "external_commit",
    "find_extension",
    "grease_extension",
    "join",
    "make_capabilities",
    "make_extension",
    "make_group_info",
    "make_update",
    "name_psk",
    "no_padding",
    "propose",
    "propose_from_outside",
    "protect_application",
    "reinitialize",
    "stage",
    "unprotect",
]

#: Where the names live; what imports least comes first, so that a name loads no more than it needs.
_HOMES = ("types", "suite", "schedule", "tree", "framing", "group")


if not TYPE_CHECKING:  # a type checker shall find out when a name is wrong

    def __getattr__(name: str) -> object:
        if name in __all__:
            for home in _HOMES:
                module = importlib.import_module(f"{__name__}.{home}")
                if name in getattr(module, "__all__", vars(module)):
                    return globals().setdefault(name, getattr(module, name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
