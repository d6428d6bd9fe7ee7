"""People in an MLS group, each with her own state, for tests of groups: what a client does, without a server."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from entrenous.crypto import Entropy, SignatureScheme, Signer, SigningKey, load_signer
from entrenous.errors import RejectedError
from entrenous.mls.framing import (
    Received,
    confirm,
    no_padding,
    protect_application,
    protect_public,
    sign_as_member,
    unprotect,
)
from entrenous.mls.group import (
    CachedProposal,
    Eviction,
    Group,
    KeyPackageBundle,
    LeafProfile,
    NewEpoch,
    OwnCommit,
    OwnProposal,
    StagedCommit,
    cache_proposal,
    commit,
    create_group,
    create_key_package,
    external_commit,
    join,
    make_capabilities,
    propose,
    stage,
)
from entrenous.mls.schedule import SecretTree
from entrenous.mls.suite import SUITES, CipherSuite
from entrenous.mls.tree import RatchetTree
from entrenous.mls.types import (
    Add,
    ApplicationData,
    BasicCredential,
    Commit,
    Extension,
    GroupInfo,
    Lifetime,
    Proposal,
    WireFormat,
)

#: When every test takes place, in seconds since 1970.
NOW = 1_800_000_000
LIFETIME = Lifetime(NOW - 3600, NOW + 86_400)
SUITE = SUITES[1]
#: An extension type for private use, which everybody here supports.
ROOM = 0xF0E0


#: Bytes of a private signature key, where it is not Ed25519's.
_PRIVATE_SIZES = {
    SignatureScheme.ED448: 57,
    SignatureScheme.ECDSA_P256: 32,
    SignatureScheme.ECDSA_P384: 48,
    SignatureScheme.ECDSA_P521: 66,
}


def signer_of(suite: CipherSuite, entropy: Entropy) -> Signer:
    """A signature key of the suite's scheme."""
    if suite.signature is SignatureScheme.ED25519:
        return SigningKey.generate(entropy)
    # Zeros in front keep a scalar below the order of its curve.
    return load_signer(suite.signature, bytes(2) + entropy(_PRIVATE_SIZES[suite.signature] - 2))


class Member:
    """One device: its keys, and the group as it sees it."""

    def __init__(self, name: str, suite: CipherSuite = SUITE, seed: int | None = None) -> None:
        self.name = name
        self.suite = suite
        self.entropy: Entropy = random.Random(name if seed is None else seed).randbytes
        self.signer = signer_of(suite, self.entropy)
        capabilities = make_capabilities([suite], self.entropy, extension_types=[ROOM])
        self.profile = LeafProfile(BasicCredential(name.encode()), capabilities)
        self.bundles: dict[bytes, KeyPackageBundle] = {}
        self.cached: dict[bytes, CachedProposal] = {}
        self._group: Group | None = None
        self.keys = SecretTree({})

    @property
    def group(self) -> Group:
        assert self._group is not None, f"{self.name} is in no group"
        return self._group

    def enter(self, epoch: NewEpoch) -> None:
        """Go on in another epoch, through what a store would keep of it."""
        restored = NewEpoch.decode(epoch.encode())
        self._group, self.keys, self.cached = restored.group, SecretTree(restored.nodes), {}

    def create(self, group_id: bytes = b"a group", extensions: Sequence[Extension] = ()) -> None:
        self.enter(
            create_group(self.suite, group_id, self.signer, self.profile, self.entropy, extensions=tuple(extensions))
        )

    def key_package(self, lifetime: Lifetime = LIFETIME) -> Add:
        """An Add of a new KeyPackage of this device."""
        bundle = create_key_package(self.suite, self.signer, self.profile, lifetime, self.entropy)
        self.bundles[bundle.reference] = KeyPackageBundle.decode(bundle.encode())
        return Add(bundle.key_package)

    def prepare(self, *proposals: Proposal, **options: Any) -> OwnCommit:
        """A Commit that is not yet taken."""
        own = commit(self.group, self.keys, self.signer, self.entropy, proposals=proposals, now=NOW, **options)
        self.keys.apply(own.changes)
        return own

    def join(self, welcome: bytes | None, tree: RatchetTree | None = None, **options: Any) -> GroupInfo:
        assert welcome is not None
        joined = join(welcome, self.bundles.get, tree=tree, **options)
        self.enter(joined.epoch)
        return joined.group_info

    def join_from_outside(self, info: GroupInfo, tree: RatchetTree | None, **options: Any) -> OwnCommit:
        own = external_commit(info, tree, self.signer, self.profile, self.entropy, **options)
        self.enter(own.epoch)
        return own

    def opens(self, message: bytes) -> Received:
        received = unprotect(self.group, self.keys, message)
        self.keys.apply(received.changes)
        return received

    def stages(self, message: bytes, **options: Any) -> StagedCommit | Eviction:
        return stage(self.group, self.opens(message), cached=self.cached, **options)

    def follows(self, message: bytes, **options: Any) -> StagedCommit:
        """Take a Commit that does not remove this device."""
        staged = self.stages(message, **options)
        assert isinstance(staged, StagedCommit)
        self.enter(staged.epoch)
        return staged

    def proposes(self, proposal: Proposal, **options: Any) -> OwnProposal:
        sent = propose(self.group, self.keys, self.signer, proposal, self.entropy, **options)
        self.keys.apply(sent.changes)
        self.cached[sent.cached.reference] = sent.cached
        return sent

    def caches(self, message: bytes) -> CachedProposal:
        proposal = cache_proposal(self.group, self.opens(message))
        self.cached[proposal.reference] = proposal
        return proposal

    def says(self, text: bytes, authenticated_data: bytes = b"") -> bytes:
        sent = protect_application(
            self.group, self.keys, self.signer, text, authenticated_data, padding=no_padding, entropy=self.entropy
        )
        self.keys.apply(sent.changes)
        return sent.message

    def reads(self, message: bytes) -> bytes:
        body = self.opens(message).body
        assert isinstance(body, ApplicationData)
        return body.data

    def forges(self, body: Commit, confirmation_tag: bytes = bytes(32)) -> bytes:
        """Any Commit at all, correctly signed and tagged by this member: what a hostile insider can send."""
        signed = sign_as_member(self.group, self.signer, WireFormat.PUBLIC_MESSAGE, body, b"")
        return protect_public(self.group, confirm(signed, confirmation_tag))


def gather(count: int, suite: CipherSuite = SUITE, **options: Any) -> list[Member]:
    """So many members of one group, at its second epoch."""
    members = [Member(f"member {index}", suite) for index in range(count)]
    founder, others = members[0], members[1:]
    founder.create(**options)
    if others:
        own = founder.prepare(*(other.key_package() for other in others))
        founder.enter(own.epoch)
        for other in others:
            other.join(own.welcome, founder.group.tree)
    return members


def everybody_follows(members: Sequence[Member], sender: Member, own: OwnCommit, **options: Any) -> None:
    """The sender's Commit is taken by all."""
    for member in members:
        if member is not sender:
            member.follows(own.message, **options)
    sender.enter(own.epoch)


def agree(members: Sequence[Member]) -> bool:
    """Whether all see the same epoch."""
    return len({(member.group.epoch, member.group.epoch_authenticator) for member in members}) == 1


def refusing(rule: str) -> Callable[[Any], None]:
    """A policy that refuses everything under this rule."""

    def policy(_view: Any) -> None:
        raise RejectedError(rule, "by the test")

    return policy
