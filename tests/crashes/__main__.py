"""Run as a program: one campaign, whose tally it prints as one JSON line.

python -m crashes client|server [--scene NAME]
"""

import argparse
import json
import sys
from dataclasses import asdict

import pytest
import structlog

from crashes.run import hold_all
from crashes.story import SCENES
from entrenous.client import key_packages
from server_process import quick_folder


def main() -> None:
    """The process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mortal", choices=("client", "server"))
    parser.add_argument("--scene", choices=[scene.name for scene in SCENES], help="die in this one only")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    with quick_folder() as folder, pytest.MonkeyPatch.context() as patch:
        # A hundred KeyPackages for everybody in every scene would be most of the work.
        patch.setattr(key_packages, "POOL_SIZE", 4)
        patch.setattr(key_packages, "REFILL_BELOW", 2)
        tally = hold_all(folder, chosen.mortal, chosen.scene)
    sys.stdout.write(json.dumps(asdict(tally)) + "\n")


if __name__ == "__main__":
    main()
