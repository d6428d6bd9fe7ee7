"""The floor of each row: what the primitives that the protocol asks for cost here and now, and nothing around them."""

import time
from collections.abc import Callable, Mapping

from bench_mls.course import MS
from bench_mls.rows import Row
from entrenous.crypto import AeadKey, SigningKey, system_entropy, verify_signature
from entrenous.mls.suite import CipherSuite

#: How often a primitive is called for one sample, and how many samples there are. The least counts.
CALLS, SAMPLES = 40, 5
#: Expansions of the key schedule for one epoch, with its secrets, its Welcome key and its confirmation tag.
EPOCH = 17
#: Of one message: two keys with their nonces, the sender's key and nonce, the next secret of the ratchet.
MESSAGE = 5


class Prices:
    """What each primitive of a suite costs once, in milliseconds of processor time: the least of all samples."""

    def __init__(self, suite: CipherSuite) -> None:
        self.found: dict[str, float] = {}
        signer, content = SigningKey.generate(system_entropy), bytes(300)
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
        }

    def sample(self) -> None:
        """Measure all of them once more: in each round, as everything else."""
        for name, call in self._calls.items():
            self.found[name] = min(self.found.get(name, float("inf")), _least(call))

    def floors(self, members: int) -> dict[Row, float]:
        """Milliseconds of each row."""
        return {
            row: sum(self.found[primitive] * count for primitive, count in due.items())
            for row, due in counts(members).items()
            if row not in _OF_FILLED_TREES or members > 2
        }


_OF_FILLED_TREES = (Row.JOIN_FILLED, Row.COMMIT_FILLED, Row.PROCESS_FILLED)


def counts(members: int) -> dict[Row, Mapping[str, int]]:
    """How often each primitive is due.

    A Commit is signed once, its leaf and its GroupInfo too; one without a path has no leaf, and two GroupInfos where
    it welcomes somebody. ``external_pub`` is derived with each. A node's tree hash is one digest.
    """
    levels = max(members - 1, 1).bit_length()
    others = members - 1
    epoch = {"expand": EPOCH, "digest": 2 * levels}
    path = {"generate": 1, "derive": levels + 1, "sign": 3, "aead": 2, **epoch}
    joined = {"open": 1, "verify": members + 1, "aead": 1, "expand": EPOCH, "digest": 2 * members}
    taken = {"open": 1, "verify": 2, "aead": 2, **epoch}
    message = {"aead": 2, "expand": MESSAGE}
    return {
        Row.KEY_PACKAGE: {"generate": 2, "sign": 2},
        Row.ADD_ALL: {
            "verify": 2 * others,
            "seal": others,
            "sign": 3,
            "derive": 1,
            "expand": EPOCH,
            "digest": 2 * members + others,
        },
        Row.JOIN: joined,
        Row.JOIN_FILLED: {**joined, "digest": 4 * members},
        Row.COMMIT_BLANK: {**path, "seal": others},
        Row.PROCESS_BLANK: {**taken, "derive": 1},
        Row.COMMIT_FILLED: {**path, "seal": levels},
        Row.PROCESS_FILLED: {**taken, "derive": levels},
        Row.ADD_ONE: {"verify": 2, "seal": 1, "sign": 3, "derive": 1, **epoch},
        Row.PROTECT: {"sign": 1, **message},
        Row.UNPROTECT: {"verify": 1, **message},
    }


def _least(call: Callable[[], object]) -> float:
    samples = []
    for _ in range(SAMPLES):
        begin = time.process_time()
        for _ in range(CALLS):
            call()
        samples.append((time.process_time() - begin) / CALLS)
    return min(samples) * MS
