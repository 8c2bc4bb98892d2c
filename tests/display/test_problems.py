"""The one place of the window for what is wrong now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from common.engine.snapshot import Level, Problem
from display.problems import NOTHING_WRONG, line_of
from tests.display import support
from tests.display.support import Bench


def problem(cause: str = "Bitmex is OFFLINE: no route", key: str = "a") -> Problem:
    return Problem(key, Level.ERROR, cause, support.NOW, "connects again", "check the network")


def line(window: Bench) -> str:
    return str(window.terminal.layout.problem_line.label["text"])


def test_the_line_says_how_many_what_since_when_what_is_done_and_what_to_do(
    window: Bench,
) -> None:
    assert line(window) == NOTHING_WRONG
    window.change(problems=(problem(), problem("another", "b")))
    for part in ("2 PROBLEMS", "04:05:06", "no route", "connects again", "check the network"):
        assert part in line(window)
    window.change(problems=())
    assert line(window) == NOTHING_WRONG


def test_problems_move_nothing_that_could_be_clicked(window: Bench) -> None:
    before = window.terminal.geometry_of("book", "Buy 68411.0")
    many = tuple(problem(f"a long cause {n} " * 20, str(n)) for n in range(30))
    window.change(problems=many)
    assert window.terminal.geometry_of("book", "Buy 68411.0") == before


def test_the_sheet_lists_all_follows_and_opens_once(window: Bench) -> None:
    window.change(problems=(problem(), problem("another\nline", "b")))
    window.root.focus_force()
    window.root.event_generate("<F2>")
    window.root.update()
    sheet = window.terminal.problems.sheet
    assert sheet is not None
    assert "another line" in sheet.text
    assert sheet.text.count("since") == 2
    window.change(problems=(problem("the last one", "c"),))
    assert "the last one" in sheet.text
    assert "another" not in sheet.text
    window.terminal.switch_theme()
    sheet.event_generate("<Escape>")
    window.root.update()
    assert not sheet.winfo_exists()


def test_u12_errors_of_callbacks_are_one_problem_and_open_no_dialogs(window: Bench) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    window.expected_errors = ["RuntimeError: broken"]
    for _ in range(50):
        window.root.after(0, fail)
    window.root.update()
    window.change()
    causes = [each.cause for each in window.terminal.layout.problem_line.problems]
    assert causes == ["the window met an error: RuntimeError: broken"]
    assert [str(each) for each in window.root.winfo_children()] == [".window"]
    later = window.snapshot.at + timedelta(seconds=90)
    window.turn(replace(window.snapshot, at=later, beat=99))
    assert line(window) == NOTHING_WRONG


def test_control_characters_of_a_cause_do_not_break_the_line() -> None:
    assert "\n" not in line_of((problem("two\nlines\x1b[31m"),))
