"""The wire types of RFC 9420: what the official vectors do not show."""

import pytest

from entrenous.codec import decode_as, encode_as
from entrenous.errors import MalformedError, UsageError
from entrenous.mls.types import (
    ApplicationData,
    AuthenticatedContent,
    BasicCredential,
    Capabilities,
    Commit,
    ContentType,
    Credential,
    CredentialType,
    Extension,
    ExtensionType,
    ExternalPub,
    FramedContent,
    FramedContentAuthData,
    FromCommit,
    GroupSecrets,
    InlineProposal,
    LeafNode,
    LeafPlace,
    Lifetime,
    MemberSender,
    MLSMessage,
    NewMemberProposal,
    PathSecret,
    PrivateMessage,
    ProposalType,
    PublicMessage,
    Remove,
    RequiredCapabilities,
    WireFormat,
    X509Credential,
    check_bodies,
    credential_type,
    decode_private_content,
    encode_private_content,
    external_pub,
    external_senders,
    framed_content_tbs,
    make_extension,
    message_header,
    proposal_type,
    required_capabilities,
)

PRIVATE = PrivateMessage(b"group", 7, ContentType.APPLICATION, b"clear", b"sender", b"secret")


def framed(
    sender: MemberSender | NewMemberProposal, content: ApplicationData | InlineProposal | Commit
) -> FramedContent:
    return FramedContent(b"group", 3, sender, b"ad", content)


def test_secrets_of_a_welcome_do_not_print() -> None:
    secrets = GroupSecrets(b"joiner!", PathSecret(b"path!"), ())
    assert "joiner!" not in repr(secrets)
    assert "path!" not in repr(secrets)
    assert "path!" not in repr(PathSecret(b"path!"))


def test_a_leaf_of_a_key_package_signs_no_place_and_every_other_leaf_does() -> None:
    capabilities = Capabilities((1,), (1,), (), (), (1,))
    place = LeafPlace(b"group", 5)
    lasting = LeafNode(b"k", b"s", BasicCredential(b"i"), capabilities, Lifetime(0, 9), (), b"signature")
    committed = LeafNode(b"k", b"s", BasicCredential(b"i"), capabilities, FromCommit(b"hash"), (), b"signature")
    assert lasting.to_be_signed(place) == lasting.to_be_signed(None)
    assert committed.to_be_signed(place) == committed.to_be_signed(None) + place.encode()
    assert b"signature" not in committed.to_be_signed(place)


def test_an_extension_of_unknown_type_is_carried_unchanged() -> None:
    data = Extension(0x0A0A, b"\xff\x00").encode()
    assert Extension.decode(data) == Extension(0x0A0A, b"\xff\x00")
    check_bodies([Extension.decode(data)])


def test_known_extensions_are_read_and_absent_ones_are_none() -> None:
    wanted = RequiredCapabilities((5,), (), (1,))
    extensions = [
        Extension(0xF0E0, b"?"),
        make_extension(ExtensionType.REQUIRED_CAPABILITIES, wanted),
        make_extension(ExtensionType.EXTERNAL_PUB, ExternalPub(b"public")),
    ]
    assert required_capabilities(extensions) == wanted
    assert external_pub(extensions) == b"public"
    assert external_senders(extensions) == ()
    assert required_capabilities([]) is None
    assert external_pub([]) is None


def test_a_known_extension_with_a_broken_body_is_malformed() -> None:
    with pytest.raises(MalformedError):
        check_bodies([Extension(ExtensionType.REQUIRED_CAPABILITIES, b"\x01")])


def test_credentials_and_proposals_know_their_number() -> None:
    assert credential_type(decode_as(Credential, encode_as(Credential, X509Credential(())))) is CredentialType.X509
    assert credential_type(BasicCredential(b"")) is CredentialType.BASIC
    assert proposal_type(Remove(0)) is ProposalType.REMOVE


def test_only_a_commit_has_a_confirmation_tag() -> None:
    commit = framed(MemberSender(1), Commit((), None))
    with_tag = AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, commit, FramedContentAuthData(b"s", b"tag"))
    assert AuthenticatedContent.decode(with_tag.encode()) == with_tag
    for content, tag in ((commit, None), (framed(MemberSender(1), ApplicationData(b"")), b"tag")):
        with pytest.raises(UsageError):
            AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, content, FramedContentAuthData(b"s", tag)).encode()


def test_only_a_member_has_a_membership_tag() -> None:
    proposal = InlineProposal(Remove(2))
    auth = FramedContentAuthData(b"s", None)
    member = PublicMessage(framed(MemberSender(1), proposal), auth, b"tag")
    assert PublicMessage.decode(member.encode()) == member
    for sender, tag in ((MemberSender(1), None), (NewMemberProposal(), b"tag")):
        with pytest.raises(UsageError):
            PublicMessage(framed(sender, proposal), auth, tag).encode()


def test_the_signed_bytes_hold_the_group_context_only_for_those_who_know_it() -> None:
    proposal = InlineProposal(Remove(2))
    inside = framed_content_tbs(WireFormat.PUBLIC_MESSAGE, framed(MemberSender(1), proposal), b"CONTEXT")
    outside = framed_content_tbs(WireFormat.PUBLIC_MESSAGE, framed(NewMemberProposal(), proposal), b"CONTEXT")
    assert inside.endswith(b"CONTEXT")
    assert b"CONTEXT" not in outside


def test_private_content_is_read_with_its_padding_and_refused_with_a_byte_in_it() -> None:
    content, auth = ApplicationData(b"hello"), FramedContentAuthData(b"s", None)
    data = encode_private_content(content, auth, 11)
    assert decode_private_content(ContentType.APPLICATION, data) == (content, auth)
    assert data.endswith(bytes(11))
    with pytest.raises(MalformedError):
        decode_private_content(ContentType.APPLICATION, data[:-1] + b"\x01")


def test_a_header_is_what_travels_in_clear() -> None:
    header = message_header(MLSMessage.of(PRIVATE))
    assert header is not None
    assert (header.group_id, header.epoch, header.authenticated_data) == (b"group", 7, b"clear")
    public = MLSMessage.of(
        PublicMessage(framed(MemberSender(1), Commit((), None)), FramedContentAuthData(b"", b""), b"")
    )
    header = message_header(public)
    assert header is not None
    assert (header.wire_format, header.epoch, header.content_type) == (WireFormat.PUBLIC_MESSAGE, 3, ContentType.COMMIT)


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(MalformedError):
        MLSMessage.decode(MLSMessage.of(PRIVATE).encode() + b"\x00")
