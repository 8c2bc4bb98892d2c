"""`main.py --backtest` as a person starts it: exit codes, sentences, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from api.simulator.bar_files import write_bars
from tests.bots.backtest.test_run import FOLLOW
from tests.bots.backtest.walk import walk
from tests.bots.terminal import write_algo
from tests.support.program import command, run_program
from tests.support.waiting import wait_until

PATIENCE = 60.0  # seconds


def profile_of(folder: Path, bars: int) -> tuple[str, ...]:
    """Make a demo profile with a bot and candles; return the options of a back-test of it."""
    write_algo(folder, FOLLOW)
    write_bars(folder / "candles.csv", walk(bars))
    added = run_program(folder, "--add-bot", "myBot", "XBTUSDT", "linear", "1", "10")
    assert added.returncode == 0, added.stderr
    span = ("--from", "2025-03-01T00:10", "--to", "2025-03-01T06:00")
    return ("--backtest", "myBot", *span, "--candles", str(folder / "candles.csv"))


def test_a_back_test_from_the_command_line(tmp_path: Path) -> None:
    options = profile_of(tmp_path, 400)
    done = run_program(tmp_path, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Back-test of myBot: XBTUSDT.linear every 1 min")
    assert "books verified: " in done.stdout
    assert (tmp_path / "backtests" / "myBot_20250301_20250301" / "equity.png").is_file()
    wrong = run_program(tmp_path, "--backtest", "nobody", *options[2:])
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("There is no bot nobody in the table robots")
    assert "Traceback" not in wrong.stderr


def test_ctrl_c_ends_a_long_back_test_cleanly(tmp_path: Path) -> None:
    options = profile_of(tmp_path, 60_000)
    longer = [*options]
    longer[longer.index("--to") + 1] = "2025-04-10"
    process = subprocess.Popen(
        command(tmp_path, *longer), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    books = tmp_path / "backtests" / "myBot_20250301_20250410" / "books.db-wal"
    wait_until(lambda: books.exists() or process.poll() is not None, PATIENCE, "the first bars")
    process.send_signal(signal.SIGINT)
    told, problems = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, problems
    assert "STOPPED EARLY" in told
    assert "books verified: " in told
    assert "Traceback" not in problems
