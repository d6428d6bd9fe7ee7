"""The command line: one file per command, and the only place where the parts are put together."""

import sys

# structlog would load Rich and all that it highlights, for error texts that the log never shows (``cli.logs``): a fifth
# of what a command's start takes. To Python's import system None means that there is no such module.
if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment] # what the import system asks for
    try:
        import structlog  # noqa: F401 loaded here, and then used as ever
    finally:
        del sys.modules["rich"]
