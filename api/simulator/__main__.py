"""Starts the embedded exchange: `python3 -m api.simulator --help`."""

# Old Pythons must be able to read this file, so that they can name the version that is needed.
import sys


def main() -> int:
    """Set up the environment where it lacks something, then run the exchange."""
    from common import bootstrap  # noqa: PLC0415 -- first, before anything that needs packages

    bootstrap.enter(bootstrap.RUNTIME)
    from api.simulator.command import run  # noqa: PLC0415 -- only importable after the set-up

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
