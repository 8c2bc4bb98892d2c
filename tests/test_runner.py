"""`python3 -m tests` tells green from red."""

from __future__ import annotations

import pytest

from common import bootstrap
from tests import __main__ as runner

_GREEN = ["pytest", "--version"]
_RED = ["pytest", "--no-such-option"]


def test_a_check_that_passes_says_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner._quietly("sample", _GREEN) == 0
    assert capsys.readouterr().out.startswith("sample       ok ")


def test_a_check_that_fails_shows_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner._quietly("sample", _RED) == 4
    said = capsys.readouterr().out
    assert "--no-such-option" in said
    assert "sample       FAILED (exit code 4)" in said.splitlines()[-1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return what pytest is asked for; nothing is set up."""
    words: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "enter", lambda *level, **needs: None)
    monkeypatch.setattr(bootstrap, "prepare", lambda level: None)

    def pytest_double(arguments: list[str]) -> int:
        words.append(arguments)
        return 1 if "red" in arguments else 0

    monkeypatch.setattr(runner, "_pytest", pytest_double)
    return words


@pytest.mark.parametrize(
    ("checks", "words", "code", "closing"),
    [
        ({"one": _GREEN}, ["-x"], 0, "All checks passed."),
        ({"one": _RED, "two": _GREEN}, [], 4, "Failed: one"),
        ({"one": _GREEN}, ["red"], 1, "Failed: pytest"),
        ({"one": _RED}, ["red"], 4, "Failed: one, pytest"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_the_exit_code_is_the_worst(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    checks: dict[str, list[str]],
    words: list[str],
    code: int,
    closing: str,
) -> None:
    monkeypatch.setattr(runner, "CHECKS", checks)
    assert runner.main(words) == code
    assert capsys.readouterr().out.splitlines()[-1] == closing


def test_arguments_go_to_pytest_and_can_leave_the_other_checks_out(
    monkeypatch: pytest.MonkeyPatch, asked: list[list[str]]
) -> None:
    monkeypatch.setattr(runner, "CHECKS", {"one": _RED})
    assert runner.main(["--only-pytest", "tests/support", "-x"]) == 0
    assert asked == [["tests/support", "-x"]]
