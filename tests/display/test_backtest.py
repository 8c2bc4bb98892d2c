"""The window of a back-test: dates are checked, it runs elsewhere, the report is shown."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from common.domain.backtests import BackTestState
from display.backtest import BackTestDialog, read_dates
from display.fields import FieldError
from tests.display.support import Bench

TODAY = date(2026, 11, 23)


class FakeTests:
    """Remembers what was started."""

    def __init__(self) -> None:
        self.state = BackTestState()
        self.started: list[tuple[str, str, str]] = []
        self.stopped = 0

    def start(self, emi: str, begin: str, end: str) -> bool:
        self.started.append((emi, begin, end))
        self.state = BackTestState(emi, running=True)
        return True

    def stop(self) -> None:
        self.stopped += 1


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("yesterday", "2026-11-01", "\u201cfrom\u201d is a date"),
        ("2026-01-01", "2026-02-30", "\u201cto\u201d is a date"),
        ("2026-02-01", "2026-02-01", "must be before"),
        ("2026-02-01", "2026-11-24", "2026-11-23 at the latest"),
    ],
)
def test_wrong_dates_are_answered_by_the_rule(begin: str, end: str, words: str) -> None:
    with pytest.raises(FieldError, match=words):
        read_dates(begin, end, TODAY)


def test_dates_are_days() -> None:
    assert read_dates(" 2026-01-01 ", "2026-11-23", TODAY) == (date(2026, 1, 1), TODAY)


def open_dialog(bench: Bench, tests: FakeTests) -> BackTestDialog:
    actions = bench.terminal.actions
    dialog = actions.open_dialog(
        lambda root, theme, desk: BackTestDialog(
            root, theme, desk, emi="myBot", today=TODAY, tests=tests
        )
    )
    assert isinstance(dialog, BackTestDialog)
    bench.turn()
    return dialog


def test_it_runs_shows_how_far_it_is_and_then_the_report(window: Bench) -> None:
    tests = FakeTests()
    dialog = open_dialog(window, tests)
    assert dialog.stop.instate(["disabled"])
    window.click_on("backtest", "run")
    assert tests.started == [("myBot", "2026-10-24", "2026-11-23")]
    assert dialog.run.instate(["disabled"])
    assert dialog.message["text"] == "reading candles\u2026"
    tests.state = BackTestState("myBot", running=True, played=2500, total=10_000)
    window.change()
    assert dialog.message["text"] == "2,500 of 10,000 bars"
    assert float(dialog.progress["value"]) == 250
    window.click_on("backtest", "stop")
    assert tests.stopped == 1
    tests.state = BackTestState("myBot", text="result   1.5 USDT\ntrades   3")
    window.change()
    shown: Any = dialog.shown()
    assert shown["report"] == "result   1.5 USDT\ntrades   3"
    assert dialog.message["text"] == "done"
    assert not dialog.run.instate(["disabled"])


def test_wrong_dates_cannot_be_run_and_a_failure_is_shown(window: Bench) -> None:
    tests = FakeTests()
    dialog = open_dialog(window, tests)
    dialog.begin_text.set("2026-13-01")
    assert dialog.run.instate(["disabled"])
    assert "is a date" in str(dialog.message["text"])
    dialog.press()
    assert tests.started == []
    dialog.begin_text.set("2026-11-01")
    window.click_on("backtest", "run")
    tests.state = BackTestState("myBot", text="there are no candles", failed=True)
    window.change()
    assert dialog.message["text"] == "there is no report"
    shown: Any = dialog.shown()
    assert shown["report"] == "there are no candles"


def test_the_back_test_of_another_bot_is_named(window: Bench) -> None:
    tests = FakeTests()
    tests.state = BackTestState("other", running=True, played=1, total=2)
    dialog = open_dialog(window, tests)
    assert dialog.message["text"] == "back-test of other: 1 of 2 bars"
    assert dialog.run.instate(["disabled"])
