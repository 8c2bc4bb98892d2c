"""The tab Results and the key F8: what they ask for and what they show."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from common.domain.commands import ExportTables, ShowResults
from common.domain.reports import Period
from display.cells import Tone
from display.presenter import result_row
from display.results import ASK_EVERY, NOTE
from tests.display import support
from tests.display.support import Bench


def texts(bench: Bench) -> list[tuple[str, ...]]:
    return [row.texts for row in bench.terminal.layout.results.table.rows]


@pytest.fixture
def opened(window: Bench) -> Bench:
    """Return a window whose tab Results was clicked."""
    window.click_on("tab", "Results")
    window.turn()
    return window


def test_nothing_is_read_while_the_tab_is_out_of_sight(window: Bench) -> None:
    for _ in range(3):
        window.now += ASK_EVERY
        window.turn()
    assert window.sent == []


def test_the_tab_asks_when_it_opens_and_while_it_is_looked_at(opened: Bench) -> None:
    assert opened.sent == [ShowResults(Period.DAY)]
    opened.turn()
    assert len(opened.sent) == 1
    opened.now += ASK_EVERY
    opened.turn()
    assert opened.sent == [ShowResults(Period.DAY)] * 2
    opened.click_on("tab", "Orders")
    opened.now += ASK_EVERY
    opened.turn()
    assert len(opened.sent) == 2


def test_a_click_on_a_period_asks_for_it_at_once(opened: Bench) -> None:
    opened.click_on("period", "month")
    opened.turn()
    assert opened.sent[-1] == ShowResults(Period.MONTH)
    opened.change(results=support.results(Period.DAY))  # late: the answer to the first question
    assert texts(opened) == []
    opened.change(results=support.results(Period.MONTH))
    assert texts(opened)[2][0] == "2026-11"


def test_totals_come_first_then_the_newest_period(opened: Bench) -> None:
    opened.change(results=support.results())
    shown = texts(opened)
    assert shown[0] == (
        *("ALL", "all bots", "-", "XBt", "130", "-", "-0.98765432", "0.00024680"),
        *("-0.00000560", "-0.98789552", "-"),
    )
    assert shown[2] == (
        *("2026-11-23", "myBot", "XBTUSDT", "USDt", "3", "0.000", "12.345678"),
        *("0.001234", "-0.000056", "+12.344500", "0.000"),
    )
    assert shown[3][0] == "2026-11-23"
    assert shown[4][0] == "2026-10-23"
    assert opened.terminal.layout.results.note["text"] == f"{NOTE}; read 2026-11-23 04:05:06"


def test_the_screen_says_that_older_lines_are_left_off(opened: Bench) -> None:
    opened.change(results=support.results(left_off=77))
    assert opened.terminal.layout.results.note["text"].startswith("77 older lines: F8; ")


def test_net_is_coloured_only_where_no_position_hides_a_value() -> None:
    flat, open_, *_ = support.results().rows
    assert flat.line.sums.change == 0 == flat.line.position
    assert result_row(flat).tones[9] is Tone.GOOD
    assert result_row(open_).tones[9] is Tone.DIM


def test_f8_asks_for_an_export_once(window: Bench) -> None:
    window.root.focus_force()
    window.root.update()
    window.root.event_generate("<F8>")
    window.root.event_generate("<F8>")
    window.root.update()
    assert window.sent == [ExportTables()]


def test_the_tab_is_usable_in_the_smallest_window(open_window: Callable[..., Bench]) -> None:
    bench = open_window(support.busy_snapshot(), "800x480+0+0")
    bench.click_on("tab", "Results")
    bench.turn()
    bench.change(results=support.results())
    for period in Period:
        x, y = bench.terminal.geometry_of("period", period.value)
        assert bench.root.winfo_containing(x, y) is bench.terminal.layout.results.periods[period]
