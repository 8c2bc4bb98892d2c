"""The command line of the terminal. Standard library only: it is read before the set-up."""

from __future__ import annotations

import argparse
from pathlib import Path


def parse_options(arguments: list[str], version: str) -> argparse.Namespace:
    """Return the options; ends the process with code 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        prog="main.py", description="A trading terminal for one account, a person and many bots."
    )
    parser.add_argument("--version", action="version", version="Tmatic " + version)
    parser.add_argument(
        "--profile",
        metavar="DIR",
        type=Path,
        help="folder of settings, books, data and logs (default: the program's; "
        "without .env in it the demo exchange is started)",
    )
    parser.add_argument(
        "--theme", choices=("dark", "light"), default="dark", help="colours of the window"
    )
    parser.add_argument(
        "--headless", action="store_true", help="run without a window, one line per event"
    )
    parser.add_argument(
        "--trading",
        choices=("on", "off"),
        help="only with --headless: start with automatic trading on (default: off)",
    )
    parser.add_argument(
        "--add-bot",
        nargs=5,
        metavar=("EMI", "SYMBOL", "CATEGORY", "TIMEFR", "CAPITAL"),
        help="write a bot into the table robots and end; TIMEFR in minutes, CAPITAL in lots",
    )
    parser.add_argument(
        "--report",
        choices=("day", "week", "month"),
        help="print what each bot did by period, from the books, and end",
    )
    parser.add_argument(
        "--csv", metavar="FILE", type=Path, help="only with --report: write it as a CSV file"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare all of the books with the exchange and end; exit code 1 if they differ",
    )
    parser.add_argument(
        "--import",
        dest="import_file",
        metavar="FILE",
        type=Path,
        help="book executions exported as CSV or JSON (columns of the trade history) and end; "
        "those that are in the books change nothing; exit code 1 if rows were refused",
    )
    parser.add_argument(
        "--network",
        choices=("REAL", "TEST", "DEMO"),
        help="only with --import: where the account of the file is (default: REAL)",
    )
    options = parser.parse_args(arguments)
    if options.network and not options.import_file:
        parser.error("--network needs --import")
    if options.csv and not options.report:
        parser.error("--csv needs --report; in the window press F8")
    if options.trading and not options.headless:
        parser.error("--trading needs --headless; in the window press F9")
    return options


def wants_window(options: argparse.Namespace) -> bool:
    """Tell whether the options open the window, which needs more of the computer."""
    return not (
        options.headless
        or options.add_bot
        or options.report
        or options.verify
        or options.import_file
    )
