"""Start the interactive client: the same as ``entrenous``."""

from entrenous.cli.main import main

if __name__ == "__main__":
    main()
