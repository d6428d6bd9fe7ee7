"""Try the vectors of a folder, docs/spec/vectors if none is named; exit code 1 where this program differs from one."""

import sys
from pathlib import Path

from independent_check.pages import ROOT
from independent_check.trying import try_all


def main(arguments: list[str]) -> int:
    """The exit code."""
    report = try_all(Path(arguments[0]) if arguments else ROOT / "docs" / "spec" / "vectors")
    for reason, count in report.uncovered.items():
        sys.stdout.write(f"not tried: {count} of {reason}\n")
    for line in report.differences:
        sys.stdout.write(f"differs: {line}\n")
    sys.stdout.write(f"{report.agreed} vectors agree, {len(report.differences)} differ\n")
    return 0 if report.agreed and not report.differences else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
