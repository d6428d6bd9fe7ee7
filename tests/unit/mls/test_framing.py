"""Framing: only what a member signed for this group, epoch and wire format gets through, and only once."""

import dataclasses

import pytest

from entrenous.crypto import SigningKey
from entrenous.errors import CryptoError, EntrenousError, MalformedError, RejectedError, UsageError
from entrenous.mls.framing import (
    confirm,
    no_padding,
    protect_application,
    protect_from_outside,
    protect_private,
    protect_public,
    sign,
    sign_as_member,
    unprotect,
)
from entrenous.mls.framing.private_message import _guarded, _sender_data_key
from entrenous.mls.schedule import RatchetKind, RatchetLimits, sending_key
from entrenous.mls.suite import ROOM_SUITE, cipher_suite
from entrenous.mls.types import (
    Add,
    ApplicationData,
    AuthenticatedContent,
    BasicCredential,
    Capabilities,
    Commit,
    Content,
    ContentType,
    ExternalInit,
    ExternalSenderIndex,
    FramedContent,
    FramedContentAuthData,
    FromCommit,
    GroupContextExtensions,
    InlineProposal,
    KeyPackage,
    LeafNode,
    MemberSender,
    MLSMessage,
    NewMemberCommit,
    NewMemberProposal,
    PrivateContentAAD,
    PrivateMessage,
    ProtocolVersion,
    PublicMessage,
    Remove,
    Sender,
    SenderData,
    SenderDataAAD,
    UpdatePath,
    Welcome,
    WireFormat,
    encode_private_content,
)
from mls_epochs import Member, epoch_of, seeded

REMOVE = InlineProposal(Remove(1))
COMMIT = Commit((), None)


def rule_of(reader: Member, message: bytes) -> str:
    with pytest.raises(RejectedError) as refused:
        reader.hears(message)
    return refused.value.rule


def private(member: Member, body: Content) -> bytes:
    content = sign_as_member(member.view, member.signer, WireFormat.PRIVATE_MESSAGE, body, b"")
    if isinstance(body, Commit):
        content = confirm(content, b"tag")
    sent = protect_private(member.view, member.keys, content, padding=no_padding, entropy=seeded())
    member.keys.apply(sent.changes)
    return sent.message


def public(member: Member, body: Content) -> bytes:
    content = sign_as_member(member.view, member.signer, WireFormat.PUBLIC_MESSAGE, body, b"aad")
    return protect_public(member.view, confirm(content, b"tag") if isinstance(body, Commit) else content)


def parsed(message: bytes) -> PrivateMessage:
    body = MLSMessage.decode(message).body
    assert isinstance(body, PrivateMessage)
    return body


def public_body(message: bytes) -> PublicMessage:
    body = MLSMessage.decode(message).body
    assert isinstance(body, PublicMessage)
    return body


def forged(
    member: Member,
    content: AuthenticatedContent,
    *,
    padding: bytes = b"",
    leaf: int | None = None,
    kind: ContentType | None = None,
    claimed_leaf: int | None = None,
) -> bytes:
    """What a hostile member can make: she holds every key of the epoch, and encrypts whatever she likes."""
    view, leaf = member.view, member.view.own_leaf if leaf is None else leaf
    framed = content.content
    kind = kind or framed.content_type
    key, changes = sending_key(view.suite, member.keys, view.width, leaf, RatchetKind.of(kind))
    member.keys.apply(changes)
    plaintext = encode_private_content(framed.content, content.auth, 0) + padding
    aad = PrivateContentAAD(view.group_id, view.epoch, kind, framed.authenticated_data).encode()
    ciphertext = view.suite.aead_key(key.key).seal(_guarded(key.nonce, b"rand"), plaintext, aad)
    sender_key, nonce = _sender_data_key(view.suite, view.secrets.sender_data_secret, ciphertext)
    sender = view.suite.aead_key(sender_key).seal(
        nonce,
        SenderData(leaf if claimed_leaf is None else claimed_leaf, key.generation, b"rand").encode(),
        SenderDataAAD(view.group_id, view.epoch, kind).encode(),
    )
    return MLSMessage.of(
        PrivateMessage(view.group_id, view.epoch, kind, framed.authenticated_data, sender, ciphertext)
    ).encode()


@pytest.mark.parametrize("number", [0x0001, 0x0003, 83, 0xF0E2])
def test_application_data_arrives_with_its_sender_and_what_was_clear(number: int) -> None:
    suite = cipher_suite(number)
    alice, bob, carol = epoch_of(suite, 3, width=4)
    message = alice.says(b"hello", b"in clear")
    for reader in (bob, carol):
        received = reader.hears(message)
        assert received.body == ApplicationData(b"hello")
        assert (received.sender_leaf, received.sender) == (0, MemberSender(0))
        assert (received.authenticated_data, received.generation) == (b"in clear", 0)
    assert bob.hears(alice.says(b"again")).generation == 1


@pytest.mark.parametrize("body", [REMOVE, COMMIT], ids=["proposal", "commit"])
@pytest.mark.parametrize("send", [private, public])
def test_handshake_content_travels_either_way(send: object, body: Content) -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    assert callable(send)
    received = bob.hears(send(alice, body))
    assert (received.body, received.sender_leaf) == (body, 0)
    expected = WireFormat.PRIVATE_MESSAGE if send is private else WireFormat.PUBLIC_MESSAGE
    assert received.content.wire_format is expected
    assert AuthenticatedContent.decode(received.content.encode()) == received.content


def test_a_replayed_message_is_refused() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    message = alice.says(b"hello")
    bob.hears(message)
    assert rule_of(bob, message) == "MLS-GENERATION-CONSUMED"


def test_an_overtaken_message_is_read_only_within_a_window() -> None:
    alice, bob, carol = epoch_of(ROOM_SUITE, 3, width=4)
    first, second = alice.says(b"1"), alice.says(b"2")
    bob.hears(second)
    assert rule_of(bob, first) == "MLS-GENERATION-CONSUMED"
    for message in (second, first):
        carol.keys.apply(unprotect(carol.view, carol.keys, message, limits=RatchetLimits(1, 10)).changes)


def test_our_own_message_is_not_for_us_to_open() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    message = alice.says(b"hello")
    assert rule_of(alice, message) == "MLS-SENDER-SELF"
    # and our sending ratchet did not move, whatever generation a liar puts there
    assert bob.hears(alice.says(b"next")).generation == 1


def test_a_refused_message_changes_nothing() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    message = alice.says(b"hello")
    broken = parsed(message)
    wrong = dataclasses.replace(broken, ciphertext=broken.ciphertext[:-1] + bytes([broken.ciphertext[-1] ^ 1]))
    with pytest.raises(CryptoError):
        bob.hears(MLSMessage.of(wrong).encode())
    assert bob.hears(message).body == ApplicationData(b"hello")


def test_every_flipped_bit_is_noticed() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    message = alice.says(b"hello", b"in clear")
    for position in range(len(message)):
        for bit in (1, 0x80):
            changed = bytearray(message)
            changed[position] ^= bit
            with pytest.raises(EntrenousError):
                unprotect(bob.view, bob.keys, bytes(changed))


def test_a_message_of_another_group_or_epoch_is_refused() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    for message in (alice.says(b"hello"), public(alice, REMOVE)):
        elsewhere = dataclasses.replace(bob, view=dataclasses.replace(bob.view, group_id=b"other"))
        later = dataclasses.replace(bob, view=dataclasses.replace(bob.view, epoch=8))
        assert rule_of(elsewhere, message) == "MLS-GROUP"
        assert rule_of(later, message) == "MLS-EPOCH"


def test_members_who_disagree_on_the_group_context_do_not_hear_each_other() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    forked = dataclasses.replace(bob, view=dataclasses.replace(bob.view, encoded_context=b"another context"))
    for message in (alice.says(b"hello"), public(alice, REMOVE)):
        with pytest.raises(CryptoError):
            forked.hears(message)


def test_a_member_cannot_speak_for_another() -> None:
    alice, bob, mallory = epoch_of(ROOM_SUITE, 3, width=4)
    as_alice = FramedContent(b"group", 7, MemberSender(0), b"", ApplicationData(b"I owe Mallory"))
    signed = sign(ROOM_SUITE, mallory.signer, WireFormat.PRIVATE_MESSAGE, as_alice, mallory.view.encoded_context)
    with pytest.raises(CryptoError):
        bob.hears(forged(mallory, signed, leaf=0))
    assert bob.hears(alice.says(b"true words")).sender_leaf == 0


def test_an_unsigned_message_is_refused() -> None:
    _, bob, mallory = epoch_of(ROOM_SUITE, 3, width=4)
    content = FramedContent(b"group", 7, MemberSender(2), b"", ApplicationData(b"unsigned"))
    unsigned = AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, content, FramedContentAuthData(b"", None))
    with pytest.raises(CryptoError):
        bob.hears(forged(mallory, unsigned))


def test_a_signature_for_one_wire_format_does_not_count_for_the_other() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    for_public = sign_as_member(alice.view, alice.signer, WireFormat.PUBLIC_MESSAGE, REMOVE, b"")
    with pytest.raises(CryptoError):
        bob.hears(forged(alice, dataclasses.replace(for_public, wire_format=WireFormat.PRIVATE_MESSAGE)))
    with pytest.raises(UsageError):
        protect_private(alice.view, alice.keys, for_public, padding=no_padding, entropy=seeded())
    for_private = sign_as_member(alice.view, alice.signer, WireFormat.PRIVATE_MESSAGE, REMOVE, b"")
    with pytest.raises(UsageError):
        protect_public(alice.view, for_private)


def test_padding_that_is_not_zero_is_malformed() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    content = sign_as_member(alice.view, alice.signer, WireFormat.PRIVATE_MESSAGE, ApplicationData(b"hello"), b"")
    with pytest.raises(MalformedError, match="padding"):
        bob.hears(forged(alice, content, padding=b"\x00\x00\x01"))
    assert bob.hears(forged(alice, content, padding=bytes(3))).body == ApplicationData(b"hello")


def test_content_of_another_kind_than_announced_is_malformed() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    content = sign_as_member(alice.view, alice.signer, WireFormat.PRIVATE_MESSAGE, ApplicationData(b"\xff" * 9), b"")
    for kind in (ContentType.PROPOSAL, ContentType.COMMIT):
        with pytest.raises(MalformedError):
            bob.hears(forged(alice, content, kind=kind))


def test_padding_hides_the_size_and_never_shrinks() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)

    def sized(data: bytes) -> bytes:
        sent = protect_application(
            alice.view, alice.keys, alice.signer, data, padding=lambda size: -(-size // 256) * 256, entropy=seeded()
        )
        alice.keys.apply(sent.changes)
        return sent.message

    messages = [sized(b"x" * size) for size in (0, 1, 100)]
    assert len({len(message) for message in messages}) == 1
    assert [bob.hears(message).body for message in messages][2] == ApplicationData(b"x" * 100)
    with pytest.raises(UsageError):
        protect_application(
            alice.view, alice.keys, alice.signer, b"data", padding=lambda size: size - 1, entropy=seeded()
        )


def test_the_reuse_guard_makes_another_nonce_even_when_state_was_lost() -> None:
    alice, _ = epoch_of(ROOM_SUITE, 2)
    entropy = seeded(1)
    ciphertexts = {
        parsed(
            protect_application(
                alice.view, alice.keys, alice.signer, b"same", padding=no_padding, entropy=entropy
            ).message
        ).ciphertext
        for _ in range(5)
    }
    assert len(ciphertexts) == 5


def test_nobody_speaks_from_a_blank_leaf() -> None:
    _, bob, mallory = epoch_of(ROOM_SUITE, 3, width=4)
    content = sign_as_member(mallory.view, mallory.signer, WireFormat.PRIVATE_MESSAGE, REMOVE, b"")
    assert rule_of(bob, forged(mallory, content, leaf=3)) == "MLS-SENDER-UNKNOWN"
    for outside in (4, 2**31, 2**32 - 1):
        assert rule_of(bob, forged(mallory, content, claimed_leaf=outside)) == "MLS-SENDER-UNKNOWN"
    framed = FramedContent(b"group", 7, MemberSender(2**32 - 1), b"", REMOVE)
    signed = sign(ROOM_SUITE, mallory.signer, WireFormat.PUBLIC_MESSAGE, framed, mallory.view.encoded_context)
    assert rule_of(bob, protect_public(mallory.view, signed)) == "MLS-SENDER-UNKNOWN"


def test_a_public_message_without_the_membership_key_is_refused() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    genuine = public_body(public(alice, REMOVE))
    assert genuine.membership_tag is not None
    for tag in (b"", bytes(len(genuine.membership_tag)), genuine.membership_tag[:-1]):
        with pytest.raises(CryptoError):
            bob.hears(MLSMessage.of(dataclasses.replace(genuine, membership_tag=tag)).encode())
    # the tag covers the confirmation tag and the signature too
    commit = public_body(public(alice, COMMIT))
    for auth in (FramedContentAuthData(commit.auth.signature, b"x"), FramedContentAuthData(b"", b"tag")):
        with pytest.raises(CryptoError):
            bob.hears(MLSMessage.of(dataclasses.replace(commit, auth=auth)).encode())


def test_application_data_in_a_public_message_is_refused_both_ways() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    data = ApplicationData(b"not for the server")
    with pytest.raises(RejectedError, match="MLS-PUBLIC-APPLICATION"):
        public(alice, data)
    signed = sign_as_member(alice.view, alice.signer, WireFormat.PUBLIC_MESSAGE, data, b"")
    message = PublicMessage(signed.content, signed.auth, b"tag")
    assert rule_of(bob, MLSMessage.of(message).encode()) == "MLS-PUBLIC-APPLICATION"


def from_outside(signer: SigningKey, sender: Sender, body: Content) -> bytes:
    content = FramedContent(b"group", 7, sender, b"", body)
    signed = sign(ROOM_SUITE, signer, WireFormat.PUBLIC_MESSAGE, content, b"context of epoch 7")
    return protect_from_outside(confirm(signed, b"tag") if isinstance(body, Commit) else signed)


def test_an_external_sender_proposes_what_it_may_and_nothing_else() -> None:
    service = SigningKey.generate(seeded(5))
    _, bob = epoch_of(ROOM_SUITE, 2)
    bob = dataclasses.replace(bob, view=dataclasses.replace(bob.view, external_senders=[service.public]))
    for proposal in (Remove(0), GroupContextExtensions(())):
        received = bob.hears(from_outside(service, ExternalSenderIndex(0), InlineProposal(proposal)))
        assert (received.sender, received.sender_leaf) == (ExternalSenderIndex(0), None)
    init = InlineProposal(ExternalInit(b""))
    assert rule_of(bob, from_outside(service, ExternalSenderIndex(0), init)) == "MLS-SENDER-CONTENT"
    assert rule_of(bob, from_outside(service, ExternalSenderIndex(0), COMMIT)) == "MLS-SENDER-CONTENT"
    assert rule_of(bob, from_outside(service, ExternalSenderIndex(1), REMOVE)) == "MLS-SENDER-UNKNOWN"
    with pytest.raises(CryptoError):
        bob.hears(from_outside(SigningKey.generate(seeded(6)), ExternalSenderIndex(0), REMOVE))


def leaf_of(signer: SigningKey) -> LeafNode:
    capabilities = Capabilities((), (), (), (), ())
    return LeafNode(b"hpke", signer.public, BasicCredential(b"new"), capabilities, FromCommit(b""), (), b"unchecked")


def test_a_newcomer_signs_with_the_key_of_the_leaf_it_brings() -> None:
    stranger, other = SigningKey.generate(seeded(5)), SigningKey.generate(seeded(6))
    _, bob = epoch_of(ROOM_SUITE, 2)
    package = KeyPackage(ProtocolVersion.MLS10, ROOM_SUITE.id, b"init", leaf_of(stranger), (), b"unchecked")
    add, join = InlineProposal(Add(package)), Commit((), UpdatePath(leaf_of(stranger), ()))
    for sender, body in ((NewMemberProposal(), add), (NewMemberCommit(), join)):
        received = bob.hears(from_outside(stranger, sender, body))
        assert (received.sender, received.body) == (sender, body)
        with pytest.raises(CryptoError):
            bob.hears(from_outside(other, sender, body))


def test_newcomers_add_themselves_and_nothing_else() -> None:
    stranger = SigningKey.generate(seeded(5))
    _, bob = epoch_of(ROOM_SUITE, 2)
    assert rule_of(bob, from_outside(stranger, NewMemberProposal(), REMOVE)) == "MLS-SENDER-CONTENT"
    assert rule_of(bob, from_outside(stranger, NewMemberCommit(), REMOVE)) == "MLS-SENDER-CONTENT"
    # a Commit without a path names no key that could have signed it
    assert rule_of(bob, from_outside(stranger, NewMemberCommit(), COMMIT)) == "MLS-SENDER-CONTENT"


def test_only_members_write_private_messages_and_only_for_themselves() -> None:
    alice, _ = epoch_of(ROOM_SUITE, 2)
    for sender in (NewMemberProposal(), MemberSender(1)):
        content = FramedContent(b"group", 7, sender, b"", REMOVE)
        signed = sign(ROOM_SUITE, alice.signer, WireFormat.PRIVATE_MESSAGE, content, b"")
        with pytest.raises(UsageError):
            protect_private(alice.view, alice.keys, signed, padding=no_padding, entropy=seeded())


def test_a_key_package_or_welcome_is_no_message_of_a_group() -> None:
    _, bob = epoch_of(ROOM_SUITE, 2)
    assert rule_of(bob, MLSMessage.of(Welcome(1, (), b"")).encode()) == "MLS-MESSAGE-KIND"


def test_a_trace_hears_sizes_and_counters_but_no_plaintext() -> None:
    alice, bob = epoch_of(ROOM_SUITE, 2)
    heard: list[object] = []

    class Listener:
        def derived(self, name: str, secret: bytes, *inputs: str) -> None:
            heard.append(name)

        def step(self, name: str, **fields: str | int | bool | None) -> None:
            heard.append((name, fields))

    sent = protect_application(
        alice.view, alice.keys, alice.signer, b"hello", padding=no_padding, entropy=seeded(), trace=Listener()
    )
    unprotect(bob.view, bob.keys, sent.message, trace=Listener())
    assert [entry if isinstance(entry, str) else entry[0] for entry in heard if isinstance(entry, str | tuple)] == [
        "message_key",
        "mls.protect",
        "message_key",
        "mls.unprotect",
    ]
    assert "hello" not in repr(heard)
