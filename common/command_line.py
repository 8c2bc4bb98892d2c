"""The command line of the terminal. Standard library only: it is read before the set-up."""

from __future__ import annotations

import argparse
from pathlib import Path

LARGEST_ACCOUNT = 2**63 - 1  # the books keep the number in a column of 64 bits


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
        "--strategy",
        metavar="MODULE:NAME",
        help="only with --add-bot: its strategy in the folder algo (default: algo/init.py says it)",
    )
    parser.add_argument(
        "--classify",
        nargs=2,
        metavar=("NAME", "KIND"),
        help="say what an execution is that could not be booked and end: NAME is its id, KIND is "
        "trade, funding, settlement, or nothing (it concerns nobody); or what the transactions of "
        "the wallet of an unknown type are: NAME is the type, KIND is outside, result, funding or "
        "spot",
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
    parser.add_argument(
        "--account",
        metavar="NUMBER",
        type=_account_number,
        help="only with --import: whose the rows are that name no account",
    )
    parser.add_argument(
        "--stop",
        nargs="+",
        metavar=("LEVEL", "NAME"),
        help="where no terminal runs: cancel-all [BOT or SYMBOL], or flatten BOT or SYMBOL; says "
        "what it will do, does it with --yes, and ends; exit code 1 if it is not done",
    )
    parser.add_argument("--yes", action="store_true", help="only with --stop: do it")
    _add_backtest(parser)
    options = parser.parse_args(arguments)
    if options.backtest and not (options.begin and options.end):
        parser.error("--backtest needs --from DATE and --to DATE")
    for name in ("begin", "end", "candles", "funding", "deposit", "progress"):
        if getattr(options, name) and not options.backtest:
            option = {"begin": "from", "end": "to"}.get(name, name)
            parser.error(f"--{option} needs --backtest EMI")
    for name in ("network", "account"):
        if getattr(options, name) and not options.import_file:
            parser.error(f"--{name} needs --import")
    if options.yes and not options.stop:
        parser.error("--yes needs --stop")
    if options.strategy and not options.add_bot:
        parser.error("--strategy needs --add-bot; in the window press F5 on the bot")
    if options.csv and not options.report:
        parser.error("--csv needs --report; in the window press F8")
    if options.trading and not options.headless:
        parser.error("--trading needs --headless; in the window press F9")
    return options


def _add_backtest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backtest",
        metavar="EMI",
        help="test a bot of the table robots on candles of the past, write a report and end",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        metavar="DATE",
        help="of a back-test, UTC; a date, or today, yesterday",
    )
    parser.add_argument("--to", dest="end", metavar="DATE", help="of a back-test, UTC, exclusive")
    parser.add_argument(
        "--candles",
        metavar="FILE",
        type=Path,
        help="CSV file of candles for a back-test (default: those of the exchange)",
    )
    parser.add_argument(
        "--funding", metavar="FILE", type=Path, help="CSV file of funding rates for a back-test"
    )
    parser.add_argument(
        "--spread",
        metavar="TICKS",
        type=_positive,
        default=1,
        help="of a back-test: ticks between bid and ask (default: 1)",
    )
    parser.add_argument(
        "--fill",
        choices=("through", "touch"),
        default="through",
        help="of a back-test: whether the price must go through a waiting order to fill it "
        "(default) or only reach it",
    )
    parser.add_argument(
        "--progress", action="store_true", help="of a back-test: tell its progress in lines"
    )
    parser.add_argument(
        "--deposit",
        metavar="AMOUNT",
        help="of a back-test: money to begin with, in the currency that the bot settles in "
        "(default: that of the demo)",
    )


def _account_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= LARGEST_ACCOUNT):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of an account")
    return int(text)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 10_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10000")
    return int(text)


def wants_window(options: argparse.Namespace) -> bool:
    """Tell whether the options open the window, which needs more of the computer."""
    return not (
        options.headless
        or options.add_bot
        or options.report
        or options.verify
        or options.stop
        or options.import_file
        or options.classify
        or options.backtest
    )
