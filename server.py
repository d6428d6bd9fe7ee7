"""Start a server: the same as ``entrenous server run``."""

from entrenous.cli.main import server_main

if __name__ == "__main__":
    server_main()
