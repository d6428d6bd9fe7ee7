"""Members of MLS groups who run ts-mls 1.6.4 (TypeScript), in one Node process that ``interop/ts_mls`` describes."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from entrenous.codec import decode_as
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import BasicCredential, LeafNode, RatchetTreeNodes, X509Credential
from mls_parties import EXPORT_CONTEXT, EXPORT_LABEL, EXPORT_SIZE, Party, Sent, StackLimitError, facts_of_group_info

PROGRAM = Path(__file__).parent / "interop" / "ts_mls"
#: Seconds that an installation may take.
INSTALLATION = 300


def install(folder: Path) -> list[str]:
    """Install what the members need; the command that runs them.

    Where it is not possible the test is skipped with the reason, but on CI, where it fails.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _give_up("ts-mls runs on Node, and node or npm is not here")
    for name in (".npmrc", "package.json", "package-lock.json", "peer.mjs"):
        shutil.copy(PROGRAM / name, folder)
    command = [npm, "ci", "--prefer-offline"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALLATION)
    except (OSError, subprocess.SubprocessError) as error:
        _give_up(f"ts-mls cannot be installed: {error}")
    return [node, str(folder / "peer.mjs")]


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Peers:
    """A Node process with members on ts-mls in it."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, member: str, call: str, **arguments: Any) -> Any:
        """One call and its result; what the member refuses is a PeerError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"member": member, "call": call, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """End of input ends the program."""
        self._process.communicate()
        assert self._process.returncode == 0


class PeerError(Exception):
    """What ts-mls refuses, in its words."""


class TsMls(Party):
    """A member on ts-mls. Without options its handshake messages are PrivateMessages, with the tree in the Welcome."""

    def __init__(
        self, peers: Peers, name: str, suite: CipherSuite, *, as_public: bool = False, identity: str | None = None
    ) -> None:
        self.identity = (identity or name).encode()
        self._name = name
        self._peers = peers
        self._as_public = as_public
        self._ask("member", suite=suite.id, identity=self.identity.decode())

    def key_package(self) -> bytes:
        return bytes.fromhex(self._ask("keyPackage"))

    def create(self, group_id: bytes) -> None:
        self._ask("create", groupId=group_id.hex())

    def join(self, welcome: bytes, tree: bytes | None = None) -> None:
        try:
            self._ask("join", welcome=welcome.hex(), tree=None if tree is None else tree.hex())
        except PeerError as error:
            # RFC 9420 §12.4.3.1 has every node between an unmerged leaf and a node that lists it list it too.
            # ts-mls 1.6.4 wants their whole lists to be equal.
            if "must list leaf node in its unmerged_leaves" in str(error):
                raise StackLimitError(str(error)) from None
            raise

    def joins_from_outside(self, group_info: bytes, *, again: bool = False) -> Sent:
        """Join by an external Commit; ``again`` removes the leaf that we had."""
        return Sent(bytes.fromhex(self._ask("externalCommit", groupInfo=group_info.hex(), resync=again)))

    def signature_key(self) -> bytes:
        """The public key that a certificate of ours is about."""
        return bytes.fromhex(self._ask("signatureKey"))

    def shows(self, credential: X509Credential) -> None:
        """Show certificates from now on."""
        self._ask("certificates", chain=[one.cert_data.hex() for one in credential.certificates])

    def founds(self, heir: "TsMls", usage: str, group_id: bytes, *others: bytes) -> bytes:
        """Found a group out of this one, where we are ``heir``; returns the Welcome for the others."""
        messages = [message.hex() for message in others]
        arguments = {"heir": heir._name, "usage": usage, "groupId": group_id.hex(), "others": messages}
        return bytes.fromhex(self._ask("found", **arguments))

    def joins_linked(self, heir: "TsMls", usage: str, welcome: bytes, tree: bytes) -> None:
        """Join, as ``heir``, a group that comes out of this one."""
        self._ask("joinLinked", heir=heir._name, usage=usage, welcome=welcome.hex(), tree=tree.hex())

    def proposes_to_join(self, group_info: bytes) -> bytes:
        """An Add of ourselves, for a member to commit."""
        return bytes.fromhex(self._ask("proposeToJoin", groupInfo=group_info.hex()))

    def add(self, *key_packages: bytes) -> Sent:
        return self.commits(add=[message.hex() for message in key_packages])

    def update(self) -> Sent:
        return self.commits()

    def remove(self, identity: bytes) -> Sent:
        return self.commits(remove=[self.leaf_of(identity)])

    def commits(self, *, tree_in_welcome: bool = True, **proposals: Any) -> Sent:
        """Commit these proposals and those that were received."""
        made = self._ask("commit", asPublic=self._as_public, treeInWelcome=tree_in_welcome, **proposals)
        welcome = made["welcome"]
        return Sent(bytes.fromhex(made["commit"]), () if welcome is None else (bytes.fromhex(welcome),))

    def proposes(self, **proposals: Any) -> bytes:
        """A proposal for another to commit."""
        return bytes.fromhex(self._ask("propose", asPublic=self._as_public, **proposals))

    def knows_psk(self, psk_id: bytes, value: bytes) -> None:
        self._ask("psk", id=psk_id.hex(), value=value.hex())

    def follow(self, message: bytes) -> bool:
        self._ask("process", message=message.hex())
        return bool(self._state()["active"])

    def says(self, data: bytes) -> bytes:
        return bytes.fromhex(self._ask("protect", data=data.hex()))

    def reads(self, message: bytes, sender: bytes) -> bytes:
        return bytes.fromhex(self._ask("process", message=message.hex())["data"])

    def facts(self) -> Mapping[str, object]:
        state = self._state()
        told = {name: bytes.fromhex(state[name]) for name in ("authenticator", "exporter", "tree")}
        return {"epoch": state["epoch"], **told, **facts_of_group_info(self.group_info())}

    def group_info(self) -> bytes:
        """With everything that one needs who joins from outside."""
        return bytes.fromhex(self._ask("groupInfo"))

    def tree(self) -> bytes:
        """The encoded nodes of the ratchet tree."""
        return bytes.fromhex(self._state()["tree"])

    def leaf_of(self, identity: bytes) -> int:
        """The leaf index of a member."""
        leaves = decode_as(RatchetTreeNodes, self.tree())[::2]
        credential = BasicCredential(identity)
        return next(i for i, leaf in enumerate(leaves) if isinstance(leaf, LeafNode) and leaf.credential == credential)

    def _state(self) -> Any:
        return self._ask("facts", label=EXPORT_LABEL, context=EXPORT_CONTEXT.hex(), length=EXPORT_SIZE)

    def _ask(self, call: str, **arguments: Any) -> Any:
        return self._peers.ask(self._name, call, **arguments)
