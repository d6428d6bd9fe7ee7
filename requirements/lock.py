"""Write the hash-pinned locks anew from pyproject.toml; run by ``make lock``.

Each lock holds every supported platform and Python version, and no index addresses.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PYPROJECT = HERE.parent / "pyproject.toml"
UV = [
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--custom-compile-command", "make lock"),
]


def lock(name: str, *arguments: str) -> None:
    """Resolve ``arguments`` into ``requirements/<name>.lock``."""
    subprocess.run([*UV, *arguments, "--output-file", str(HERE / f"{name}.lock")], check=True)  # noqa: S603 fixed command


def main() -> None:
    """Resolve the runtime first, so the others agree with it."""
    lock("runtime", "--upgrade", str(PYPROJECT))
    runtime = ("--constraint", str(HERE / "runtime.lock"))
    lock("build", "--upgrade", *runtime, str(HERE / "build.in"))
    lock("dev", "--upgrade", *runtime, "--group", f"{PYPROJECT}:dev", str(HERE / "build.in"))
    lock("fuzz", "--upgrade", *runtime, str(HERE / "fuzz.in"))
    lock("pictures", "--upgrade", *runtime, str(HERE / "pictures.in"))


if __name__ == "__main__":
    main()
