"""The names of pre-shared keys (RFC 9420 §8.4)."""

from typing import Annotated

from entrenous.codec import Opaque, Select, Struct, UInt16, UInt64, struct
from entrenous.mls.types.registries import PSKType, ResumptionPSKUsage


@struct
class ExternalPSK(Struct):
    """A key that the application brings, by its name."""

    psk_id: Opaque


@struct
class ResumptionPSK(Struct):
    """A key out of an epoch of this or another group."""

    usage: ResumptionPSKUsage
    psk_group_id: Opaque
    psk_epoch: UInt64


_CASES = {PSKType.EXTERNAL: ExternalPSK, PSKType.RESUMPTION: ResumptionPSK}

PSK = Annotated[ExternalPSK | ResumptionPSK, Select(PSKType, _CASES)]


@struct
class PreSharedKeyID(Struct):
    """One use of a pre-shared key; the nonce, KDF.Nh bytes, keeps uses apart (RFC 9420 §8.4)."""

    psk: PSK
    psk_nonce: Opaque


@struct
class PSKLabel(Struct):
    """The context under which one PSK of a list enters the key schedule (RFC 9420 §8.4)."""

    id: PreSharedKeyID
    index: UInt16
    count: UInt16
