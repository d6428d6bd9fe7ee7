"""Argon2id (RFC 9106), the key-stretching function behind every password, with a floor and a ceiling."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from entrenous.errors import RejectedError, UnavailableError, UsageError


@dataclass(frozen=True, slots=True)
class Argon2Parameters:
    """What one derivation costs: memory in KiB, passes over it, lanes that may run in parallel."""

    memory_kib: int
    iterations: int
    lanes: int

    def within(self, other: "Argon2Parameters") -> bool:
        """Whether no parameter is above ``other``'s."""
        return self.memory_kib <= other.memory_kib and self.iterations <= other.iterations and self.lanes <= other.lanes


#: The least we accept: 64 MiB, three passes, four lanes; some 0.15 s. Anything less makes guessing cheaper.
FLOOR = Argon2Parameters(memory_kib=65536, iterations=3, lanes=4)
#: The most we accept from a server: 1 GiB, ten passes, 16 lanes. More would only exhaust a client.
CEILING = Argon2Parameters(memory_kib=1048576, iterations=10, lanes=16)


def check(parameters: Argon2Parameters, floor: Argon2Parameters = FLOOR) -> None:
    """Refuse parameters that would stretch too little or exhaust this machine.

    Raises:
        RejectedError: rule AUTH-KSF-FLOOR or AUTH-KSF-CEILING.
    """
    if not floor.within(parameters):
        raise RejectedError("AUTH-KSF-FLOOR", f"{parameters} stretches a password less than {floor}")
    if not parameters.within(CEILING):
        raise RejectedError("AUTH-KSF-CEILING", f"{parameters} asks for more than {CEILING}")


def argon2id(password: bytes, salt: bytes, parameters: Argon2Parameters, length: int) -> bytes:
    """Stretch ``password`` into ``length`` bytes. Takes as long as ``parameters`` say: keep it off an event loop.

    Args:
        password: any bytes.
        salt: at least 8 bytes; OPAQUE uses 16 zero bytes, its input being salted already.
        parameters: checked with ``check`` where they came from somebody else.
        length: bytes wanted, at least 4.

    Raises:
        UsageError: Argon2id does not allow these parameters, salt or length.
        UnavailableError: the memory is not to be had.
    """
    if not parameters.within(CEILING):
        raise UsageError(f"{parameters} asks for more than {CEILING}")
    try:
        return Argon2id(
            salt=salt,
            length=length,
            iterations=parameters.iterations,
            lanes=parameters.lanes,
            memory_cost=parameters.memory_kib,
        ).derive(password)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"no Argon2id with {parameters}, {len(salt)} bytes of salt, {length} of output") from error
    except MemoryError as error:
        raise UnavailableError(f"no {parameters.memory_kib} KiB of memory to stretch the password in") from error
