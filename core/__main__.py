"""``python -m core``: everything that the dashboard does, on the command line."""

from core.cli.app import main

if __name__ == "__main__":
    main("python -m core")
