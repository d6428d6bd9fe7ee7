"""Start the interactive client: the same as ``entrenous``."""

import launch

if __name__ == "__main__":
    launch.enter_environment()
    from entrenous.cli.main import main

    main()
