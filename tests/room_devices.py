"""Devices in MLS groups whose leaves show what rooms ask for; for tests that forge what a hostile member could send."""

import dataclasses
from typing import Any, Self

from entrenous.content import ROOM_SETTINGS_EXTENSION
from entrenous.identity import (
    LEAF_CERTIFICATE_EXTENSION,
    AccountIdentity,
    DeviceKeys,
    DeviceList,
    issue_leaf_certificate,
)
from entrenous.mls.group import LeafProfile, make_capabilities
from entrenous.mls.suite import CipherSuite
from entrenous.mls.types import BasicCredential, CredentialType, Extension
from mls_members import SUITE, Member


class Device(Member):
    """A device of an account, with its certificate in its leaf."""

    def __init__(self, owner: AccountIdentity, keys: DeviceKeys, suite: CipherSuite = SUITE) -> None:
        super().__init__(keys.mls.public.hex(), suite)
        self.owner, self.device, self.signer = owner, keys, keys.mls
        self.devices = DeviceList(owner.account_id, 1, (keys.entry,), ())
        certificate = issue_leaf_certificate(owner, self.devices, keys.entry)
        self.profile = LeafProfile(
            BasicCredential(owner.credential.encode()),
            make_capabilities(
                [suite],
                self.entropy,
                extension_types=[ROOM_SETTINGS_EXTENSION, LEAF_CERTIFICATE_EXTENSION],
                credential_types=[CredentialType.BASIC, CredentialType.X509],
            ),
            (Extension(LEAF_CERTIFICATE_EXTENSION, certificate),),
        )

    def showing(self, **fields: Any) -> Self:
        """The same device with another leaf."""
        self.profile = dataclasses.replace(self.profile, **fields)
        return self
