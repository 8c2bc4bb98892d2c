"""Tmatic's composition root: `python3 main.py` opens the terminal.

Reads the command line, sees to the environment (`common.bootstrap`), then builds the program. What
needs an installed package is imported inside `run`, after the set-up. Old Pythons must be able to
read this file to be told what is needed: annotations that they cannot evaluate are quoted.
"""

import argparse
import sys

from common import bootstrap

VERSION = "0.1.0"


def main(argv: "list[str]") -> int:
    """Return the exit code of the command line: 0 ended as asked, 1 failed, 2 not understood."""
    bootstrap.require_python()
    options = parse(argv)
    bootstrap.enter(bootstrap.RUNTIME, window=not options.headless and not options.add_bot)
    return run(options)


def parse(argv: "list[str]") -> argparse.Namespace:
    """Return the options; ends the process for --help, --version and what is not understood."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Tmatic, a trading terminal that shares one exchange account between a person "
        "and many bots. Without settings it opens on the embedded demo exchange.",
    )
    parser.add_argument("--version", action="version", version=f"Tmatic {VERSION}")
    parser.add_argument(
        "--profile",
        metavar="DIR",
        help="folder of settings, database, data and logs (default: the program's own)",
    )
    parser.add_argument("--headless", action="store_true", help="run without a window")
    parser.add_argument(
        "--trading",
        choices=["on", "off"],
        default="off",
        help="whether bots trade from the start; only with --headless (default: off)",
    )
    parser.add_argument(
        "--add-bot",
        nargs=5,
        metavar=("EMI", "SYMBOL", "CATEGORY", "TIMEFR", "CAPITAL"),
        help="write a bot's row to the database and end",
    )
    options = parser.parse_args(argv)
    if options.trading == "on" and not options.headless:
        parser.error("--trading on needs --headless: in the window F9 turns trading on")
    return options


def run(options: argparse.Namespace) -> int:
    """Build the program that the options ask for and run it to its end."""
    print(f"Tmatic {VERSION} has no window yet.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
