"""Who is at work, for the audit log: as the operating system knows him, not as he calls himself."""

import getpass
import os
import sys

from entrenous.cli.output import one_line


def actor() -> str:
    """The name of the user who runs this program, and of the one behind ``sudo``."""
    if sys.platform == "win32":
        return one_line(getpass.getuser())
    import pwd  # not for Windows

    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # a container's user without a name
        name = f"uid {number}"
    # Only of root is it sudo's word; anybody else could have set it himself.
    behind = os.environ.get("SUDO_USER") if number == 0 else None
    return one_line(f"{name} (sudo by {behind})" if behind else name)
