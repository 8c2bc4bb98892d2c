from __future__ import annotations

import logging
import tkinter as tk
from collections.abc import Callable
from dataclasses import replace

import pytest

from common.domain.commands import Reload, SetRobotStatus, SetTrading
from common.domain.executions import Network
from common.domain.robots import Status
from common.engine.snapshot import Health, Level, Notice
from display import columns
from display.app import Terminal
from display.ticket import LOCKED
from display.widths import ColumnWidths
from tests.display import support
from tests.display.support import (
    MARKET,
    Bench,
    busy_snapshot,
    empty_snapshot,
    option_of,
    type_of,
)
from tests.support.waiting import wait_until

# ---- what is shown ------------------------------------------------------------------------------


def test_every_table_shows_the_snapshot(window: Bench) -> None:
    described = window.terminal.describe()
    tables = described["tables"]
    assert isinstance(tables, dict)
    assert {name: len(rows) for name, rows in tables.items()} == {
        **{"positions": 6, "orders": 4, "trades": 40, "funding": 12, "accounts": 2},
        "robots": 20,
        "results": 0,  # nobody has looked
    }
    assert described["selected"] == "XBTUSDT.linear"


def test_u14_the_state_line_speaks_in_words(window: Bench) -> None:
    line = window.terminal.layout.state_line
    assert line.trading["text"] == "TRADING OFF"
    assert line.mode["text"] == "DEMO"
    assert line.clock["text"] == "2026-11-23 04:05:06 UTC"
    assert line.health["text"] == "LIVE: ready to trade"
    assert window.root.title() == "Tmatic - demo - DEMO"
    window.change(trading=True, network=Network.REAL)
    assert line.trading["text"] == "TRADING ON"
    assert line.mode["text"] == "REAL"
    assert window.root.title() == "Tmatic - demo - REAL"


def test_the_three_modes_have_three_colours(window: Bench) -> None:
    colours = []
    for network in Network:
        window.change(network=network)
        colours.append(str(window.terminal.layout.state_line.mode["background"]))
    assert len(set(colours)) == 3


def test_a_read_only_terminal_says_so_in_the_state_line(window: Bench) -> None:
    row = replace(support.market_row(Health.BLOCKED, "another one writes"), read_only=True)
    window.change(markets=(row,))
    line = window.terminal.layout.state_line
    assert line.health["text"] == "BLOCKED: read-only, another terminal trades"
    window.change(markets=(support.market_row(Health.BLOCKED, "the key was refused"),))
    assert line.health["text"] == "BLOCKED: a person must act"


def test_a_blocked_market_says_why(window: Bench) -> None:
    reason = "the key was refused: " + "correct API_KEY in the settings. " * 4
    window.change(markets=(support.market_row(Health.BLOCKED, reason, "waiting"),))
    box = window.terminal.layout.exchange
    assert reason.strip() in box.get("1.0", "end")
    assert box.bbox("end-2c") is not None, "the last line is out of sight"
    assert window.terminal.layout.state_line.health["text"].startswith("BLOCKED")


def test_u15_an_engine_that_says_nothing_is_reported(window: Bench) -> None:
    window.now += 4
    window.turn()
    assert "SILENT" not in window.terminal.layout.state_line.health["text"]
    window.now += 2
    window.turn()
    assert "SILENT" in window.terminal.layout.state_line.health["text"]
    window.change()
    assert "SILENT" not in window.terminal.layout.state_line.health["text"]


def test_the_newest_notice_is_on_top_and_each_is_written_once(window: Bench) -> None:
    lines = window.terminal.layout.notices.lines()
    assert len(lines) == 5
    assert "filled" in lines[0]
    window.turn()
    late = Notice(9, support.NOW, Level.ERROR, "a line\nof two", None)
    window.change(notices=(*window.snapshot.notices[2:], late))
    lines = window.terminal.layout.notices.lines()
    assert len(lines) == 6
    assert lines[0].endswith("a line of two")


def test_the_information_panel_keeps_a_bounded_number_of_lines(window: Bench) -> None:
    window.change(
        notices=tuple(
            Notice(number, support.NOW, Level.INFO, f"line {number}") for number in range(10, 900)
        )
    )
    lines = window.terminal.layout.notices.lines()
    assert len(lines) == 300
    assert lines[0].endswith("line 899")


def test_an_unchanged_snapshot_paints_nothing(window: Bench) -> None:
    layout = window.terminal.layout
    before = [table.painted for table in layout.tables] + [layout.book.painted]
    window.turn()
    window.turn(replace(busy_snapshot(), beat=2))
    assert [table.painted for table in layout.tables] + [layout.book.painted] == before


def test_the_first_moment_of_a_start_is_shown(open_window: Callable[..., Bench]) -> None:
    window = open_window(empty_snapshot())
    assert window.terminal.describe()["selected"] is None
    assert "STARTING" in window.terminal.layout.state_line.health["text"]
    window.terminal.actions.click_book(None, None)
    assert window.sent == []
    assert "no symbol to trade yet" in window.terminal.layout.notices.lines()[0]


@pytest.mark.parametrize("size", ["1024x600", "1280x800", "800x480", "1600x1000"])
def test_u1_every_panel_is_inside_the_window(open_window: Callable[..., Bench], size: str) -> None:
    window = open_window(busy_snapshot(), f"{size}+0+0")
    layout, root = window.terminal.layout, window.root
    layout.open_tab("Orders")
    panels: list[tk.Misc] = [layout.book, layout.notices, layout.exchange, layout.state_line]
    hidden = (layout.trades, layout.funding, layout.results.table)
    panels += [table for table in layout.tables if table not in hidden]
    for panel in panels:
        right = panel.winfo_rootx() + panel.winfo_width()
        bottom = panel.winfo_rooty() + panel.winfo_height()
        assert panel.winfo_height() >= 40 or panel is layout.state_line
        assert right <= root.winfo_rootx() + root.winfo_width(), panel
        assert bottom <= root.winfo_rooty() + root.winfo_height(), panel


def test_u1_figures_stay_in_sight_beside_long_names(open_window: Callable[..., Bench]) -> None:
    window = open_window(busy_snapshot(), "1024x600+0+0")
    window.root.update()
    robots = window.terminal.layout.robots
    assert any(len(row.texts[0]) == 20 for row in robots.rows)
    canvas = robots.canvas

    def shown() -> dict[str, int]:
        items = [item for item in canvas.find_all() if type_of(canvas, item) == "text"]
        boxes = {option_of(canvas, item, "text"): canvas.bbox(item) for item in items}
        return {text: box[2] for text, box in boxes.items() if box}

    assert shown()["POS"] <= canvas.winfo_width()
    assert any(text.startswith("a.name") and "\u2026" in text for text in shown())
    window.root.geometry("1600x1000")
    window.root.update()
    assert "a.name.of.20.letters" in shown()


def test_u1_a_cut_name_keeps_what_its_order_waits_for() -> None:
    widths = ColumnWidths(columns.ORDERS)
    widths.edges(600, 7)
    row = [*(["x"] * 7), "a.name.of.20.letters (unknown)"]
    assert widths.fit(row)[-1] == "a.name.o\u2026(unknown)"
    assert widths.fit(row)[:-1] == row[:-1]


def test_u1_resizing_zooming_and_colours_raise_nothing(window: Bench) -> None:
    for size in ("1024x600", "300x200", "1280x800", "801x481"):
        window.root.geometry(size)
        window.turn(busy_snapshot(beat=int(size[:3])))
        for points in (1, 1, -1):
            window.terminal.zoom(points)
        window.terminal.switch_theme()
        window.root.update()
    assert window.terminal.callback_errors == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_u14_texts_stand_out_from_their_background(
    open_window: Callable[..., Bench], theme: str
) -> None:
    palette = open_window(busy_snapshot(), "1280x800+0+0", theme).terminal.theme.palette

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        darker, lighter = sorted((luminance(one), luminance(other)))
        return (lighter + 0.05) / (darker + 0.05)

    for tone, colour in palette.tones.items():
        if not tone.value.startswith("own"):
            for background in (palette.panel, palette.stripe):
                assert contrast(colour, background) >= 4.5, (tone, background)
    for background in (palette.own_buy, palette.own_sell):
        assert contrast(palette.on_colour, background) >= 4.5


def test_an_unknown_theme_is_refused(xvfb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", xvfb)
    root = tk.Tk()
    with pytest.raises(ValueError, match="theme 'pink' is not one of dark, light"):
        Terminal(root, snapshot=empty_snapshot, submit=print, theme="pink")
    root.destroy()


# ---- clicks -------------------------------------------------------------------------------------


def test_a_click_on_a_position_selects_its_symbol(window: Bench) -> None:
    window.click_on("position", "ETHUSD")
    assert window.terminal.describe()["selected"] == "ETHUSD.quanto"
    assert window.terminal.layout.book_caption["text"] == "ORDER BOOK  ETHUSD.quanto"
    assert window.terminal.layout.book.table.bids[0].texts[1] == "2731.00"
    window.change()
    assert window.terminal.describe()["selected"] == "ETHUSD.quanto"


def test_the_first_row_is_selected_when_the_selected_symbol_goes(window: Bench) -> None:
    window.click_on("position", "ETHUSD")
    window.change(positions=window.snapshot.positions[:3])
    assert window.terminal.describe()["selected"] == "XBTUSDT.linear"


def test_the_book_opens_no_ticket_while_trading_is_on(window: Bench) -> None:
    window.change(trading=True)
    window.click_on("book", "Buy 68411.0")
    assert window.terminal.actions.dialogs() == []
    assert LOCKED in window.terminal.layout.notices.lines()[0]


def test_a_click_on_a_robot_switches_it_once(window: Bench) -> None:
    window.click_on("robot", "myBot")
    window.click_on("robot", "myBot")
    assert window.sent == [SetRobotStatus(MARKET, "myBot", work=False)]
    window.now += 1
    window.click_on("robot", "a.name.of.20.letters")
    assert window.sent[1:] == [SetRobotStatus(MARKET, "a.name.of.20.letters", work=True)]


def test_a_click_starts_a_bot_that_was_stopped_by_its_own_fault(window: Bench) -> None:
    stopped = next(row for row in window.snapshot.robots if row.status is Status.ERROR)
    window.change(robots=(replace(stopped, startable=True),))
    window.click_on("robot", stopped.emi)
    assert window.sent == [SetRobotStatus(MARKET, stopped.emi, work=True)]


@pytest.mark.parametrize(
    ("emi", "words"),
    [
        ("XBTUSD.inverse", "takes manual orders"),
        ("leftover", "no row in the table robots"),
        ("forgotten", "add SOLUSDT to the settings"),
        ("wrongRow", "CAPITAL is not a number"),
    ],
)
def test_robots_without_a_switch_say_why(window: Bench, emi: str, words: str) -> None:
    window.click_on("robot", emi)
    assert window.sent == []
    line = window.terminal.layout.notices.lines()[0]
    status = next(row.status for row in window.snapshot.robots if row.emi == emi)
    assert words in line
    assert str(status) in line
    assert status not in (Status.WORK, Status.OFF)


def test_things_that_are_not_there_are_not_found(window: Bench) -> None:
    for what, key in (("book", "1.5"), ("book", "x"), ("order", "0"), ("ticket", "buy")):
        with pytest.raises(LookupError, match="the window shows no"):
            window.terminal.geometry_of(what, key)


def test_tabs_are_found_and_opened_by_a_click(window: Bench) -> None:
    window.click_on("tab", "Funding")
    assert window.terminal.layout.funding.winfo_ismapped()
    assert not window.terminal.layout.orders.winfo_ismapped()


# ---- keys ---------------------------------------------------------------------------------------


def press(window: Bench, key: str) -> None:
    window.root.focus_force()
    window.root.event_generate(key)
    window.root.update()


def test_f9_asks_for_the_other_state(window: Bench) -> None:
    press(window, "<F9>")
    assert window.sent == [SetTrading(on=True)]
    window.now += 1
    window.change(trading=True)
    press(window, "<F9>")
    assert window.sent[1:] == [SetTrading(on=False)]


def test_u3_f9_held_down_switches_once(window: Bench) -> None:
    for _ in range(30):
        press(window, "<F9>")
        window.now += 0.05
        window.change(trading=not window.snapshot.trading)
    assert window.sent == [SetTrading(on=True)]
    window.now += 0.31
    press(window, "<F9>")
    assert len(window.sent) == 2


def test_f9_works_inside_an_order_window(window: Bench) -> None:
    window.click_on("book", "Buy 68411.0")
    window.ticket().price.entry.focus_force()
    window.ticket().price.entry.event_generate("<F9>")
    window.root.update()
    assert window.sent == [SetTrading(on=True)]


def test_u3_b22_f3_is_sent_once_until_the_reload_is_done(window: Bench) -> None:
    press(window, "<F3>")
    window.now += 1
    press(window, "<F3>")
    assert window.sent == [Reload()]
    assert "under way" in window.terminal.layout.notices.lines()[0]
    window.change(reloads=window.snapshot.reloads + 1)
    window.now += 1
    press(window, "<F3>")
    assert window.sent == [Reload(), Reload()]


def test_f1_shows_and_hides_the_keys(window: Bench) -> None:
    press(window, "<F1>")
    assert "keys" in window.root.children
    press(window, "<F1>")
    assert "keys" not in window.root.children


def test_f6_switches_the_colours(window: Bench) -> None:
    before = window.terminal.layout.book.canvas["background"]
    press(window, "<F6>")
    assert window.terminal.layout.book.canvas["background"] != before
    press(window, "<F6>")
    assert window.terminal.layout.book.canvas["background"] == before


# ---- the loop -----------------------------------------------------------------------------------


def test_b2_the_loop_paints_and_goes_on_after_an_error(
    window: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    terminal = window.terminal
    failures = iter(["the first", "the first"])

    def failing() -> None:
        text = next(failures, None)
        if text is not None:
            raise RuntimeError(text)

    good = window.snapshot
    taken: list[int] = []

    def take() -> object:
        failing()
        taken.append(1)
        return good

    window.take = take  # type: ignore[assignment]
    window.expected_errors = ["RuntimeError: the first"]
    with caplog.at_level(logging.ERROR):
        terminal.root.after_idle(terminal.start)

        def turned() -> bool:
            window.root.update()
            return len(taken) >= 3

        wait_until(turned, 30, "three turns after the errors")
    assert [line for line in terminal.layout.notices.lines() if "the first" in line] == [
        "04:05:06 \u2715 the window met an error, the log has the details: RuntimeError: the first"
    ]
    assert caplog.text.count("Traceback") == 2


def test_the_loop_reports_how_late_it_was(window: Bench) -> None:
    heartbeat = window.terminal.heartbeat
    window.terminal.start()
    turns = heartbeat.turns
    window.now += 0.75

    def turned() -> bool:
        window.root.update()
        return heartbeat.turns > turns

    wait_until(turned, 30, "the next turn")
    assert heartbeat.worst_late == pytest.approx(0.65)


def test_closing_calls_on_close_once_and_ends_the_window(window: Bench) -> None:
    window.terminal.start()
    window.root.tk.call("eval", window.root.protocol("WM_DELETE_WINDOW"))
    window.terminal.close()
    assert window.closed == 1
    with pytest.raises(tk.TclError):
        window.root.winfo_exists()


def test_run_returns_when_the_window_is_closed(window: Bench) -> None:
    window.root.after(1, window.terminal.close)
    window.terminal.run()
    assert window.closed == 1
