"""Start a server: the same as ``entrenous server run``."""

import launch

if __name__ == "__main__":
    launch.enter_environment()
    from entrenous.cli.main import server_main

    server_main()
