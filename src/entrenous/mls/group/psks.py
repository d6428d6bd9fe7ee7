"""Finding the pre-shared keys that a Commit or a Welcome names (RFC 9420 §8.4, §8.6)."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeGuard

from entrenous.crypto import Entropy, draw
from entrenous.errors import RejectedError
from entrenous.mls.group.group import Group
from entrenous.mls.schedule import MAX_PSKS, PskSecret, derive_psk_secret
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import PSK, PreSharedKeyID, ResumptionPSK, ResumptionPSKUsage
from entrenous.trace import SILENT, Trace

#: Finds the value of a pre-shared key that the application keeps; None where it has none of that name.
PskSource = Callable[[PSK], bytes | None]


def no_psks(psk: PSK) -> bytes | None:  # the signature of a PskSource
    """The PskSource of an application that keeps none."""
    return None


#: Finds a group that we take part in, as it is now, by its id; None where there is none.
GroupSource = Callable[[bytes], Group | None]


def no_groups(group_id: bytes) -> Group | None:  # the signature of a GroupSource
    """The GroupSource of an application that leaves it to itself which groups it is in."""
    return None


def only_group(group: Group) -> GroupSource:
    """The GroupSource of one group."""
    return {group.group_id: group}.get


def check_not_in(group_id: bytes, groups: GroupSource) -> None:
    """Refuse to join a group that we are in.

    Raises:
        RejectedError: rule MLS-GROUP-KNOWN.
    """
    known = groups(group_id)
    # RFC 9420 §12.4.3: "group_id is unique among the groups they are currently participating in"; a group that a ReInit
    # ended is none of those.
    if known is not None and not known.is_closed:
        raise RejectedError("MLS-GROUP-KNOWN", "we are in the group already")


def psk_source_of(groups: GroupSource, otherwise: PskSource) -> PskSource:
    """A source that answers for the last epochs of some groups, and asks another one for everything else."""

    def find(psk: PSK) -> bytes | None:
        if isinstance(psk, ResumptionPSK):
            group = groups(psk.psk_group_id)
            kept = None if group is None else group.resumption_psk(psk.psk_epoch)
            if kept is not None:
                return kept.reveal()
        # Who takes the PSK of a link from elsewhere could not check what it links to.
        return None if is_link(psk) else otherwise(psk)

    return find


def is_link(psk: PSK) -> TypeGuard[ResumptionPSK]:
    """Whether a PSK links a new group to an older one (RFC 9420 §11.2, §11.3)."""
    return isinstance(psk, ResumptionPSK) and psk.usage is not ResumptionPSKUsage.APPLICATION


def name_psk(suite: CipherSuite, psk: PSK, entropy: Entropy) -> PreSharedKeyID:
    """A new use of a pre-shared key, for a PreSharedKey proposal or an external Commit.

    Args:
        suite: of the group that the key enters.
        psk: its name.
        entropy: for the nonce that tells its uses apart.
    """
    # RFC 9420 §8.4: "the psk_nonce of its PreSharedKeyID MUST be set to a fresh random value of length KDF.Nh"
    return PreSharedKeyID(psk, draw(entropy, suite.secret_size))


def check_psk_ids(
    suite: CipherSuite,
    identities: Sequence[PreSharedKeyID],
    *,
    already: int = 0,
    link: ResumptionPSK | None = None,
) -> None:
    """Check the names of PSKs in a Commit or a Welcome.

    Args:
        suite: the group's.
        identities: the names.
        already: how many stand before them in the same list.
        link: the one of usage reinit or branch that may be there.

    Raises:
        RejectedError: there are more than can be counted, a nonce has the wrong size, or one belongs to another
            reinitialisation or branch.
    """
    # RFC 9420 §8.4: the PSKLabel of each counts them all in 16 bits
    if already + len(identities) > MAX_PSKS:
        raise RejectedError("MLS-PSK-COUNT", f"more than {MAX_PSKS} pre-shared keys")
    for identity in identities:
        _check_psk_id(suite, identity, link)


def _check_psk_id(suite: CipherSuite, identity: PreSharedKeyID, link: ResumptionPSK | None) -> None:
    # RFC 9420 §12.1.4: "The psk_nonce is not of length KDF.Nh" makes a PreSharedKey proposal invalid
    if len(identity.psk_nonce) != suite.secret_size:
        raise RejectedError("MLS-PSK-NONCE", f"a psk_nonce has {len(identity.psk_nonce)} bytes")
    # RFC 9420 §12.1.4: reinit and branch are invalid outside of a reinitialisation and a branch
    if is_link(identity.psk) and identity.psk != link:
        raise RejectedError("MLS-PSK-USAGE", "a PSK that links groups, where none or another one is linked")


def find_psk_secret(
    suite: CipherSuite, identities: Iterable[PreSharedKeyID], source: PskSource, *, trace: Trace = SILENT
) -> PskSecret:
    """The psk_secret of some pre-shared keys, in their order.

    Raises:
        RejectedError: rule MLS-PSK-UNKNOWN: we do not have one of them.
    """
    found: list[tuple[PreSharedKeyID, bytes]] = []
    for identity in identities:
        value = source(identity.psk)
        if value is None:
            raise RejectedError("MLS-PSK-UNKNOWN", "a pre-shared key is named that we do not have")
        found.append((identity, value))
    return derive_psk_secret(suite, found, trace=trace)
