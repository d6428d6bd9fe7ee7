"""Who is at work, for the audit log."""

import getpass
import os

from entrenous.cli.output import one_line


def actor() -> str:
    """Who the operating system says is at work, for the audit log."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    behind = os.environ.get("SUDO_USER")
    return one_line(f"{name} (sudo by {behind})" if behind else name)
