"""``python -m entrenous`` is ``entrenous``."""

from entrenous.cli.main import main

if __name__ == "__main__":
    main()
