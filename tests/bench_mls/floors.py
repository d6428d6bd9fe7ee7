"""The floor of each row: what the primitives that the protocol asks for cost here and now, and nothing around them."""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from bench_mls.course import MS
from bench_mls.rows import Row
from entrenous.crypto import AeadKey, Hash, SigningKey, system_entropy, verify_signature
from entrenous.mls.schedule import RatchetKind
from entrenous.mls.suite import CipherSuite
from entrenous.mls.tree import tree_math

#: How often a primitive is called for one sample, and how many samples there are. The least counts.
CALLS, SAMPLES = 40, 5
#: Derivations of the key schedule for one epoch, with its secrets and its confirmation tag; of a Welcome's key.
EPOCH, WELCOME = 14, 3
#: Of one message: a key and a nonce for the content and for the sender data, and the next secret of the ratchet.
MESSAGE = 5
#: Of one path secret: the next one, and the seed of its node's keys.
STEP = 2
#: Bytes of what is long, and what a path secret takes in a Commit beside its encapsulation and itself: a tag, headers.
LONG, AROUND = 100_000, 22


class Prices:
    """What each primitive of a suite costs once, in milliseconds of processor time: the least of all samples."""

    def __init__(self, suite: CipherSuite) -> None:
        self.found: dict[str, float] = {}
        signer, content, long = SigningKey.generate(system_entropy), bytes(300), bytes(LONG)
        signature = signer.sign(content)
        keys, info, secret = suite.hpke.generate(system_entropy), bytes(200), bytes(suite.secret_size)
        sealed = suite.hpke.seal(keys.public, info, b"", secret, system_entropy)
        aead, nonce = AeadKey(suite.aead, bytes(suite.aead.key_size)), bytes(suite.aead.nonce_size)
        self._calls: dict[str, Callable[[], object]] = {
            "generate": lambda: suite.hpke.generate(system_entropy),
            "derive": lambda: suite.derive_key_pair(secret),
            "seal": lambda: suite.hpke.seal(keys.public, info, b"", secret, system_entropy),
            "open": lambda: suite.hpke.open(keys.private, sealed[0], info, b"", sealed[1]),
            "sign": lambda: signer.sign(content),
            "verify": lambda: verify_signature(suite.signature, signer.public, content, signature),
            "digest": lambda: suite.hash.digest(content),
            "expand": lambda: suite.expand_with_label(secret, "epoch", content, len(secret)),
            "aead": lambda: aead.seal(nonce, content, content),
            # What is long is sealed or opened once, and hashed for its signature and for the transcript.
            "long": lambda: (aead.seal(nonce, long, b""), Hash.SHA512.digest(long), suite.hash.digest(long)),
        }
        #: What one more recipient adds to a Commit, as a part of what is long.
        self._recipient = (suite.hpke.kem.ciphertext_size + suite.secret_size + AROUND) / LONG

    def sample(self) -> None:
        """Measure all of them once more: in each round, as everything else."""
        for name, call in self._calls.items():
            self.found[name] = min(self.found.get(name, float("inf")), _least(call))

    def floors(self, members: int) -> dict[Row, float]:
        """Milliseconds of each row."""
        return {
            row: sum(self.found[primitive] * count for primitive, count in due.items())
            for row, due in counts(members, self._recipient).items()
            if row not in _OF_FILLED_TREES or members > 2
        }


_OF_FILLED_TREES = (Row.JOIN_FILLED, Row.COMMIT_FILLED, Row.PROCESS_FILLED, Row.PROCESS_PUBLIC)


def counts(members: int, recipient: float) -> dict[Row, Mapping[str, float]]:
    """How often each primitive is due.

    A Commit is signed once, its leaf and its GroupInfo too; one without a path has no leaf, and two GroupInfos where
    it welcomes somebody. ``external_pub`` is derived with each. A node's tree hash is one digest, and so is a parent
    hash. A handshake message is its sender's first in the epoch: his leaf's secret comes down from the root. Of a
    filled tree the last two leaves are measured, below which some of the direct path's nodes have nobody beside them.

    Args:
        members: of the group.
        recipient: what one more recipient adds to a Commit, as a part of what is long.
    """
    levels, others = max(members - 1, 1).bit_length(), members - 1
    nodes = len(_last_path(members))
    handshake = Counter({"aead": 2, "expand": 2 * levels + len(RatchetKind) + MESSAGE})
    epoch = Counter({"expand": EPOCH, "digest": levels + 2})
    welcome = Counter({"expand": WELCOME, "aead": 1, "sign": 1})
    made = Counter({"generate": 1, "derive": 1, "sign": 3}) + epoch + handshake
    taken = Counter({"open": 1, "verify": 2}) + epoch

    def path(length: int, derived: int) -> Counter[str]:
        return Counter({"digest": length, "derive": derived, "expand": STEP * derived})

    joined = Counter({"open": 1, "verify": members + 1, "aead": 1, "expand": EPOCH + WELCOME, "digest": 2 * members})
    message = Counter({"aead": 2, "expand": MESSAGE})
    blank = {"long": others * recipient}
    filled = taken + path(nodes, nodes)
    return {
        Row.KEY_PACKAGE: {"generate": 2, "sign": 2},
        Row.ADD_ALL: Counter(
            {"verify": 2 * others, "seal": others, "sign": 2, "derive": 1, "digest": 2 * members + others}
        )
        + welcome
        + epoch
        + handshake,
        Row.JOIN: joined,
        Row.JOIN_FILLED: joined + Counter({"digest": 2 * members}),
        Row.COMMIT_BLANK: {**(made + path(levels, levels)), "seal": others, **blank},
        Row.PROCESS_BLANK: {**(taken + handshake + path(levels, 1)), **blank},
        Row.COMMIT_FILLED: made + path(nodes, nodes) + Counter({"seal": nodes}),
        Row.PROCESS_FILLED: filled + handshake,
        Row.PROCESS_PUBLIC: filled + Counter({"expand": 1}),
        Row.ADD_ONE: Counter({"verify": 2, "seal": 1, "sign": 2, "derive": 1}) + welcome + epoch + handshake,
        Row.PROTECT: {"sign": 1, **message},
        Row.UNPROTECT: {"verify": 1, **message},
    }


def _last_path(members: int) -> list[int]:
    """The filtered direct path of the last leaf: its ancestors with somebody on their other side."""
    width = tree_math.width_of(2 * members - 1)
    last, path = 2 * (members - 1), []
    for above in tree_math.direct_path(last, width):
        beside = tree_math.right(above) if last < above else tree_math.left(above)
        if tree_math.leaves_below(beside).start < members:
            path.append(above)
    return path


def _least(call: Callable[[], object]) -> float:
    samples = []
    for _ in range(SAMPLES):
        begin = time.process_time()
        for _ in range(CALLS):
            call()
        samples.append((time.process_time() - begin) / CALLS)
    return min(samples) * MS
