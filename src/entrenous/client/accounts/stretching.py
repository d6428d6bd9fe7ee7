"""What a guess at a password costs: the cost we choose at registration, and the least we accept at login."""

from dataclasses import dataclass

from entrenous.crypto import FLOOR, Argon2Parameters
from entrenous.opaque import KeyStretching, argon2id_stretching
from entrenous.wire.types import KsfParameters


@dataclass(frozen=True, slots=True)
class Stretching:
    """A policy.

    Attributes:
        parameters: for new records.
        floor: a server that says less at login wants the password to be cheap to guess. Lower in tests alone.
    """

    parameters: Argon2Parameters = FLOOR
    floor: Argon2Parameters = FLOOR

    def for_new_record(self) -> KeyStretching:
        """The function for a registration.

        Raises:
            RejectedError: rule AUTH-KSF-FLOOR or AUTH-KSF-CEILING, the policy contradicts itself.
        """
        return argon2id_stretching(self.parameters, self.floor)

    def for_record(self, told: KsfParameters) -> KeyStretching:
        """The function for a login, with the parameters that the server says the record was made with.

        Raises:
            RejectedError: rule AUTH-KSF-FLOOR or AUTH-KSF-CEILING.
        """
        return argon2id_stretching(Argon2Parameters(told.memory_kib, told.iterations, told.lanes), self.floor)

    def told(self) -> KsfParameters:
        """The parameters of new records, as the server keeps them."""
        chosen = self.parameters
        return KsfParameters(chosen.memory_kib, chosen.iterations, chosen.lanes)


DEFAULT_STRETCHING = Stretching()
