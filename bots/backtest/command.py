"""`--backtest EMI`: from the options to the exit code, with the report in between."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from api.simulator.bar_player import BarPlayer
from bots.backtest.figures import compute
from bots.backtest.picture import draw
from bots.backtest.preparation import Place, Wish, prepare
from bots.backtest.report import text_lines, write_curve, write_months
from bots.backtest.run import BackTest, Outcome, Plan
from bots.backtest.source import source_of
from common.errors import ConfigurationError, TmaticError
from common.headless import StopSignals
from common.ledger.database import DatabaseSettings
from common.profile import Profile
from common.redaction import clean

INTERRUPTED = 130
AGREED, DIFFERENCES = 0, 1
LONGEST_LINE = 300


def wish_of(options: argparse.Namespace) -> Wish:
    """Return what the options of the command line ask for."""
    return Wish(
        options.backtest,
        options.begin,
        options.end,
        options.candles,
        options.funding,
        options.spread,
        options.fill == "touch",
        options.deposit,
        options.progress,
    )


def place_of(profile: Profile, database: DatabaseSettings, market: str) -> Place:
    """Return where the back-tests of a profile are made."""
    folder = profile.folder / "backtests"
    return Place(database, market, profile.algo, folder, source_of(profile, market))


def run_backtest(wish: Wish, place: Place, write: Callable[[str], None] = print) -> int:
    """Test a bot, write its report and print it; return the exit code. ConfigurationError."""
    plan, folder = prepare(wish, place, write)
    outcome = _play(plan, folder, wish)
    lines = write_report(outcome, folder)
    for line in lines:
        write(clean(line, LONGEST_LINE))
    write(f"report, curve and books are in {folder}")
    if outcome.stopped:
        return INTERRUPTED
    agreed = outcome.verification.finished and not outcome.verification.differences
    return AGREED if agreed else DIFFERENCES


def _play(plan: Plan, folder: Path, wish: Wish) -> Outcome:
    """Run a back-test until its end or a signal; one that fails leaves no folder."""
    test = BackTest(plan)
    with StopSignals() as signals:

        def watch(player: BarPlayer) -> None:
            if signals.requested:
                test.stop()
            show_progress(player, wish.progress)

        try:
            with _log_into(folder):
                return test.run(watch)
        except TmaticError:
            shutil.rmtree(folder, ignore_errors=True)  # there is nothing to report
            raise
        finally:
            hide_progress()


@contextmanager
def _log_into(folder: Path) -> Iterator[None]:
    """Let warnings and errors go to a file of the back-test, which is only made for them."""
    handler = logging.FileHandler(folder / "log.txt", encoding="utf-8", delay=True)
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def write_report(outcome: Outcome, folder: Path) -> list[str]:
    """Write all files of a report and return its text. ConfigurationError: it cannot be written."""
    figures = compute(outcome)
    lines = list(text_lines(outcome, figures))
    try:
        (folder / "report.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        write_months(folder / "months.csv", outcome, figures)
        write_curve(folder / "equity.csv", outcome)
        draw(folder / "equity.png", outcome, figures)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror or type(error).__name__}"
        ) from error
    return lines


def show_progress(player: BarPlayer, lines: bool) -> None:
    """Show on a console, or in lines of their own, how far the back-test has come."""
    if lines:
        print(f"progress {player.played} {player.total}", file=sys.stderr, flush=True)
    elif sys.stderr.isatty():
        share = 100 * player.played // max(1, player.total)
        sys.stderr.write(f"\r{player.played:,} of {player.total:,} bars ({share} %) ")
        sys.stderr.flush()


def hide_progress() -> None:
    """Clear the line of the progress."""
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 60 + "\r")
        sys.stderr.flush()
