"""Asking the application who is behind a credential that is new to a group (RFC 9420 §5.3.1)."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from entrenous.crypto import SignatureScheme
from entrenous.mls.group.view import CommitView
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import Credential, Extension, LeafNode, external_senders


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it is presented to a group, to be validated with the Authentication Service.

    Attributes:
        credential: basic or X.509.
        signature_key: the public key that it has to vouch for.
        scheme: what the key signs with.
        leaf: the leaf that holds it; None for one of the group's external senders.
        replaced: the credential that it takes the place of, which it must be a valid successor of; None where
            somebody is new.
    """

    credential: Credential
    signature_key: bytes
    scheme: SignatureScheme
    leaf: LeafNode | None = None
    replaced: Credential | None = None


#: Judges one credential: returns to accept it, raises RejectedError to refuse it. Where it looks at a clock or at
#: anything else that members may see differently, they may part over a Commit.
CredentialValidator = Callable[[Presented], None]


def accept_credentials(presented: Presented) -> None:
    """The CredentialValidator of an application that judges them elsewhere, as by a policy or by what it shows."""


def presented_by_commit(view: CommitView) -> Iterator[Presented]:
    """Every credential that a Commit brings into its group, or joins to another key."""
    suite, tree = view.group.suite, view.group.tree
    for _, leaf in view.added:
        yield _of_leaf(suite, leaf, None)
    replacing = [(leaf, tree.member(index)) for index, leaf in view.updated]
    if not view.is_external:
        replacing.append((view.leaf, tree.member(view.committer)))
    elif view.removed:
        replacing.append((view.leaf, view.removed[0][1]))
    else:
        yield _of_leaf(suite, view.leaf, None)
    for leaf, old in replacing:
        if (leaf.credential, leaf.signature_key) != (old.credential, old.signature_key):
            yield _of_leaf(suite, leaf, old.credential)
    yield from _of_external_senders(suite, view.extensions, view.group.context.extensions)


def presented_by_group(
    suite: CipherSuite, tree: RatchetTree, extensions: Iterable[Extension], own_leaf: int | None
) -> Iterator[Presented]:
    """Every credential of a group that somebody joins, but his own.

    Args:
        suite: the group's.
        tree: its members.
        extensions: of its GroupContext.
        own_leaf: whose credential is our own; None if none is.
    """
    for index, leaf in tree.members():
        if index != own_leaf:
            yield _of_leaf(suite, leaf, None)
    yield from _of_external_senders(suite, extensions, ())


def _of_leaf(suite: CipherSuite, leaf: LeafNode, replaced: Credential | None) -> Presented:
    return Presented(leaf.credential, leaf.signature_key, suite.signature, leaf, replaced)


def _of_external_senders(
    suite: CipherSuite, extensions: Iterable[Extension], before: Iterable[Extension]
) -> Iterator[Presented]:
    known = set(external_senders(before))
    for sender in external_senders(extensions):
        if sender not in known:
            yield Presented(sender.credential, sender.signature_key, suite.signature)
