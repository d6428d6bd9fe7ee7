"""Welcomes that a hostile inviter can write, and the rule that each breaks (RFC 9420 §12.4.3.1)."""

import dataclasses

import pytest

from entrenous.errors import CryptoError, RejectedError
from entrenous.mls.group import commit, join, make_group_info, open_welcome
from entrenous.mls.group.welcome import Newcomer, make_welcome
from entrenous.mls.schedule import JoinerSecret, derive_member_secret, derive_welcome_key, no_psk
from entrenous.mls.tree import TreePathSecret
from entrenous.mls.types import (
    ExternalPSK,
    GroupInfo,
    HPKECiphertext,
    KeyPackage,
    MLSMessage,
    PreSharedKeyID,
    ResumptionPSK,
    ResumptionPSKUsage,
    Welcome,
)
from mls_members import SUITE, Member, gather


def forged(
    info: GroupInfo, key_package: KeyPackage, path_secret: bytes | None = None, psks: tuple[PreSharedKeyID, ...] = ()
) -> bytes:
    """A Welcome whose every part opens, from an inviter who may say in it what he likes."""
    joiner = JoinerSecret(bytes(SUITE.secret_size))
    key = derive_welcome_key(SUITE, derive_member_secret(SUITE, joiner, no_psk(SUITE)))
    newcomer = Newcomer(key_package, None if path_secret is None else TreePathSecret(path_secret))
    return MLSMessage.of(make_welcome(SUITE, joiner, key, info, [newcomer], psks, bytes)).encode()


class Invitation:
    """Alice's group with Bob's leaf in it, and what she would tell him of it."""

    def __init__(self) -> None:
        self.alice, self.bob = Member("alice"), Member("bob")
        self.alice.create()
        add = self.bob.key_package()
        self.key_package, self.other = add.key_package, self.bob.key_package().key_package
        own = self.alice.prepare(add)
        self.alice.enter(own.epoch)
        self.welcome = own.welcome
        self.info = make_group_info(self.alice.group, self.alice.signer, with_ratchet_tree=True)

    def refuses(self, message: bytes) -> str:
        """The rule under which Bob refuses a Welcome."""
        with pytest.raises(RejectedError) as refused:
            join(message, self.bob.bundles.get)
        return refused.value.rule


def test_a_welcome_for_somebody_else_is_not_for_us() -> None:
    invitation = Invitation()
    assert invitation.welcome is not None
    with pytest.raises(RejectedError, match="MLS-WELCOME-NOT-FOR-US"):
        join(invitation.welcome, Member("carol").bundles.get, tree=invitation.alice.group.tree)


def test_a_welcome_is_opened_by_the_first_of_its_entries_that_names_us() -> None:
    invitation = Invitation()
    assert invitation.welcome is not None
    welcome = MLSMessage.decode(invitation.welcome).body
    assert isinstance(welcome, Welcome)
    (entry,) = welcome.secrets
    foreign = dataclasses.replace(entry, new_member=b"somebody else's KeyPackage")
    broken = dataclasses.replace(entry, encrypted_group_secrets=HPKECiphertext(b"", b""))
    for secrets, opens in (((foreign, entry, broken), True), ((broken, entry), False)):
        message = MLSMessage.of(dataclasses.replace(welcome, secrets=secrets)).encode()
        if opens:
            joined = join(message, invitation.bob.bundles.get, tree=invitation.alice.group.tree)
            assert joined.epoch.group.epoch_authenticator == invitation.alice.group.epoch_authenticator
        else:
            with pytest.raises(CryptoError):
                join(message, invitation.bob.bundles.get, tree=invitation.alice.group.tree)


def test_another_message_is_no_welcome() -> None:
    invitation = Invitation()
    assert invitation.refuses(MLSMessage.of(invitation.key_package).encode()) == "MLS-MESSAGE-KIND"


def test_a_welcome_into_a_group_of_another_suite_is_refused() -> None:
    invitation = Invitation()
    context = dataclasses.replace(invitation.info.group_context, cipher_suite=3)
    info = dataclasses.replace(invitation.info, group_context=context)
    assert invitation.refuses(forged(info, invitation.key_package)) == "MLS-WELCOME-SUITE"


def test_a_welcome_into_a_group_without_our_leaf_is_refused() -> None:
    invitation = Invitation()
    assert invitation.refuses(forged(invitation.info, invitation.other)) == "MLS-WELCOME-NO-LEAF"


def test_a_welcome_that_claims_to_be_from_ourselves_is_refused() -> None:
    invitation = Invitation()
    unsigned = dataclasses.replace(invitation.info, signer=1)
    signature = SUITE.sign_with_label(invitation.bob.signer, "GroupInfoTBS", unsigned.to_be_signed())
    info = dataclasses.replace(unsigned, signature=signature)
    assert invitation.refuses(forged(info, invitation.key_package)) == "MLS-WELCOME-NO-LEAF"


@pytest.mark.parametrize("path_secret", [b"", b"short", bytes(32)])
def test_a_path_secret_that_leads_elsewhere_is_refused(path_secret: bytes) -> None:
    invitation = Invitation()
    message = forged(invitation.info, invitation.key_package, path_secret)
    assert invitation.refuses(message) == "MLS-WELCOME-PATH-SECRET"


def test_a_welcome_with_the_secret_of_another_epoch_is_refused() -> None:
    invitation = Invitation()
    with pytest.raises(CryptoError):
        join(forged(invitation.info, invitation.key_package), invitation.bob.bundles.get)


def test_a_welcome_names_no_pre_shared_key_that_an_ordinary_group_cannot_have() -> None:
    invitation = Invitation()
    nonce = bytes(SUITE.secret_size)
    for psk, rule in (
        (PreSharedKeyID(ExternalPSK(b"x"), b"short"), "MLS-PSK-NONCE"),
        (PreSharedKeyID(ResumptionPSK(ResumptionPSKUsage.BRANCH, b"", 1), nonce), "MLS-PSK-UNKNOWN"),
        (PreSharedKeyID(ExternalPSK(b"x"), nonce), "MLS-PSK-UNKNOWN"),
    ):
        assert invitation.refuses(forged(invitation.info, invitation.key_package, psks=(psk,))) == rule


def test_a_welcome_opens_before_its_tree_is_there() -> None:
    invitation = Invitation()
    assert invitation.welcome is not None
    opened = open_welcome(invitation.welcome, invitation.bob.bundles.get)
    assert opened.group_info.group_context == invitation.alice.group.context
    assert opened.bundle.key_package == invitation.key_package


def test_no_epoch_follows_the_last_number() -> None:
    (alice,) = gather(1)
    last = dataclasses.replace(alice.group, context=dataclasses.replace(alice.group.context, epoch=2**64 - 1))
    with pytest.raises(RejectedError, match="MLS-EPOCH-LAST"):
        commit(last, alice.keys, alice.signer, alice.entropy)
