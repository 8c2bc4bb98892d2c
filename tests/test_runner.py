"""`python3 -m tests` tells green from red."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize(
    ("checks", "tests", "code", "closing"),
    [
        ({"one": _GREEN}, 0, 0, "All checks passed."),
        ({"one": _RED, "two": _GREEN}, 0, 4, "Failed: one"),
        ({"one": _GREEN}, 1, 1, "Failed: pytest"),
        ({"one": _RED}, 5, 5, "Failed: one, pytest"),
    ],
)
def test_the_exit_code_is_the_worst(  # noqa: PLR0917 -- four columns of a table, two fixtures
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    checks: dict[str, list[str]],
    tests: int,
    code: int,
    closing: str,
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(runner, "CHECKS", checks)
    monkeypatch.setattr(runner.bootstrap, "enter", lambda *level, **needs: None)
    monkeypatch.setattr(runner.bootstrap, "prepare", lambda level: None)
    monkeypatch.setattr(runner, "_pytest", lambda words: asked.append(words) or tests)
    assert runner.main(["-x"]) == code
    assert asked == [["-x"]]
    assert capsys.readouterr().out.splitlines()[-1] == closing


def test_only_pytest_leaves_the_other_checks_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(runner, "CHECKS", {"one": _RED})
    monkeypatch.setattr(runner.bootstrap, "enter", lambda *level, **needs: None)
    monkeypatch.setattr(runner.bootstrap, "prepare", lambda level: None)
    monkeypatch.setattr(runner, "_pytest", lambda words: asked.append(words) or 0)
    assert runner.main(["--only-pytest", "tests/support"]) == 0
    assert asked == [["tests/support"]]
