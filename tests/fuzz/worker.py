"""Fuzz one target with Atheris, in this process, which libFuzzer ends: ``python -m fuzz.worker NAME [OPTION...]``.

Only ``fuzz.campaign`` starts it. Atheris is imported here and nowhere else: it is for Linux, and the tests do without.
"""

import importlib
import resource
import sys
from typing import Any

#: Bytes of address space: what asks for more gets a MemoryError, which is a finding.
ADDRESS_SPACE = 3 << 30


def main() -> None:
    """See the module."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["entrenous"]):
        _see_generated_code(atheris)
        from fuzz.mutation import mutate
        from fuzz.registry import TARGETS
    target = TARGETS[sys.argv[1]]

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        """Every other change keeps the input well-formed, where the target says how it is built."""
        if seed & 1:
            changed = mutate(target.shape(data), data, seed >> 1)
            if changed is not None and len(changed) <= max_size:
                return changed
        return bytes(atheris.Mutate(data, max_size))

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    atheris.Setup([sys.argv[0], *sys.argv[2:], f"-max_len={target.longest}"], target.run, custom_mutator=mutated)
    atheris.Fuzz()


def _see_generated_code(atheris: Any) -> None:
    """Structs' codecs are written at run time: have them measured like what is imported."""
    struct: Any = importlib.import_module("entrenous.codec.struct")
    generate = struct.generate

    def measured(cls: type, slots: Any) -> Any:
        return type(codec := generate(cls, slots))(*map(atheris.instrument_func, codec))

    struct.generate = measured


if __name__ == "__main__":
    main()
