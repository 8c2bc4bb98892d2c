"""Which command lines open the window: only they ask for what a window needs."""

from __future__ import annotations

import pytest

from common.command_line import parse_options, wants_window


@pytest.mark.parametrize(
    "line",
    [
        "--headless",
        "--report day",
        "--verify",
        "--stop cancel-all",
        "--import file.csv",
        "--classify Reward outside",
        "--add-bot a XBTUSD inverse 1 1",
        "--backtest a --from yesterday --to today",
    ],
)
def test_what_needs_no_window_opens_none(line: str) -> None:
    assert not wants_window(parse_options(line.split(), "0"))


@pytest.mark.parametrize("line", ["", "--theme light", "--profile elsewhere"])
def test_everything_else_opens_the_window(line: str) -> None:
    assert wants_window(parse_options(line.split(), "0"))
