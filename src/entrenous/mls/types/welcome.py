"""GroupInfo and Welcome: how newcomers learn of a group (RFC 9420 §12.4.3)."""

import dataclasses

from entrenous.codec import Opaque, Struct, UInt32, Vector, encode_as, struct
from entrenous.mls.types.ciphertexts import HPKECiphertext
from entrenous.mls.types.extensions import Extension
from entrenous.mls.types.group_context import GroupContext
from entrenous.mls.types.psk import PreSharedKeyID
from entrenous.mls.types.registries import MAC, CipherSuiteId, HashReference


@struct
class GroupInfoTBS(Struct):
    """What a GroupInfo's signature covers (RFC 9420 §12.4.3)."""

    group_context: GroupContext
    extensions: Vector[Extension]
    confirmation_tag: MAC
    signer: UInt32

    def to_be_signed(self) -> bytes:
        """The bytes under the signature."""
        return encode_as(GroupInfoTBS, self)


@struct
class GroupInfo(GroupInfoTBS):
    """One epoch of a group as a member describes it (RFC 9420 §12.4.3)."""

    signature: Opaque


@struct
class PathSecret(Struct):
    """The secret of the lowest node that a newcomer shares with the committer."""

    path_secret: Opaque = dataclasses.field(repr=False)


@struct
class GroupSecrets(Struct):
    """What one newcomer needs to derive the epoch (RFC 9420 §12.4.3.1)."""

    joiner_secret: Opaque = dataclasses.field(repr=False)
    path_secret: PathSecret | None = dataclasses.field(repr=False)
    psks: Vector[PreSharedKeyID]


@struct
class EncryptedGroupSecrets(Struct):
    """GroupSecrets for the owner of one KeyPackage, named by its KeyPackageRef."""

    new_member: HashReference
    encrypted_group_secrets: HPKECiphertext


@struct
class Welcome(Struct):
    """What a Commit's newcomers are sent (RFC 9420 §12.4.3.1)."""

    cipher_suite: CipherSuiteId
    secrets: Vector[EncryptedGroupSecrets]
    encrypted_group_info: Opaque
