from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal

import pytest

from common.domain.books import SIDE_BUY, SIDE_FUNDING, Entry
from common.domain.executions import ExecutionKind, Network
from common.domain.instruments import Category, Instrument, Symbol
from common.domain.orders import Phase, Side
from common.domain.robots import Status
from common.engine.snapshot import (
    EntryRow,
    Health,
    Level,
    MarketRow,
    Notice,
    OrderRow,
    RobotRow,
    Snapshot,
)
from common.headless import POLL_SECONDS, Reporter, StopSignals, run_headless
from tests.support.places import ROOT

AT = datetime(2026, 11, 1, 12, 0, 0, tzinfo=timezone.utc)
SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tradable=True,
    state="Open",
    tick_size=Decimal("0.5"),
    lot_size=100,
    multiplier=1,
    contracts_per_unit=1_000_000,
    quote_currency="USDT",
    settlement_currency="USDt",
    base_currency="XBT",
)
MARKET = MarketRow(
    market="Bitmex",
    network=Network.DEMO,
    endpoint="127.0.0.1:8700",
    account=42,
    account_name="demo",
    health=Health.LIVE,
    reason="",
    progress="",
)
ORDER = OrderRow(
    key="7.bot",
    market="Bitmex",
    at=AT,
    symbol=SYMBOL,
    instrument=INSTRUMENT,
    emi="bot",
    side=Side.BUY,
    price=Decimal("65000"),
    stop_price=None,
    kind="Limit",
    quantity=1000,
    leaves=1000,
    phase=Phase.OPEN,
)
ENTRY = Entry(
    exec_id="e1",
    kind=ExecutionKind.TRADE,
    emi="bot",
    refer="bot",
    symbol=SYMBOL,
    currency="USDt",
    side=SIDE_BUY,
    quantity=100,
    rest=900,
    price=Decimal("65000"),
    theor_price=None,
    trade_price=Decimal("64999.25"),
    sum_real=-6_499_925,
    commission=-650,
    scale=6,
    at=AT,
    number=7,
    position_delta=100,
)
ROBOT = RobotRow(
    market="Bitmex",
    emi="bot",
    symbol=SYMBOL,
    instrument=INSTRUMENT,
    currency="USDt",
    scale=6,
    timeframe=1,
    capital=1,
    status=Status.WORK,
    problem="",
    volume=0,
    pnl=0,
    position=0,
)
EMPTY = Snapshot(at=AT, beat=1, trading=False, network=Network.DEMO)


_ENDLESS = """
import itertools, sys
from common.headless import StopSignals, run_headless
from tests.common.test_headless import EMPTY, change

beats = itertools.count()

def snapshot():
    beat = next(beats)
    return change(EMPTY, beat=beat, trading=beat % 2 == 0)

with StopSignals() as stop:
    code = run_headless(snapshot, stop)
print("ended", file=sys.stderr)
sys.exit(code)
"""


def row(entry: Entry) -> EntryRow:
    return EntryRow(market="Bitmex", entry=entry, instrument=INSTRUMENT)


def after(*snapshots: Snapshot) -> list[str]:
    """Return the lines of the last snapshot."""
    reporter = Reporter()
    lines: list[str] = []
    for snapshot in snapshots:
        lines = reporter.lines(snapshot)
    return lines


def change(snapshot: Snapshot, **values: object) -> Snapshot:
    return dataclasses.replace(snapshot, **values)  # type: ignore[arg-type]  # fields by name


def test_trading_is_told_at_the_start_and_when_it_changes() -> None:
    assert after(EMPTY) == ["2026-11-01 12:00:00 TRADING OFF (DEMO)"]
    assert after(EMPTY, EMPTY) == []
    assert after(EMPTY, change(EMPTY, trading=True)) == ["2026-11-01 12:00:00 TRADING ON (DEMO)"]


def test_health_is_told_with_its_reason_when_it_changes_but_not_progress() -> None:
    live = change(EMPTY, markets=(MARKET,))
    lost = dataclasses.replace(MARKET, health=Health.OFFLINE, reason="no route")
    assert after(EMPTY, live) == ["2026-11-01 12:00:00 MARKET Bitmex DEMO account 42 LIVE"]
    assert after(live, change(live, markets=(lost,))) == [
        "2026-11-01 12:00:00 MARKET Bitmex DEMO account 42 OFFLINE: no route"
    ]
    busy = dataclasses.replace(MARKET, progress="500 executions")
    assert after(live, change(live, markets=(busy,))) == []


def test_each_notice_is_told_once_in_order() -> None:
    one = Notice(number=1, at=AT, level=Level.INFO, text="first")
    two = Notice(number=2, at=AT, level=Level.ERROR, text="second")
    first = change(EMPTY, notices=(one,))
    assert after(EMPTY, first) == ["2026-11-01 12:00:00 NOTICE info: first"]
    assert after(first, change(EMPTY, notices=(one, two))) == [
        "2026-11-01 12:00:00 NOTICE error: second"
    ]
    assert after(first, change(EMPTY, notices=(two,)), change(EMPTY, notices=(two,))) == []


def test_an_order_is_told_when_it_appears_changes_and_ends() -> None:
    shown = change(EMPTY, orders=(ORDER,))
    moved = dataclasses.replace(ORDER, price=Decimal("65000.5"), leaves=900)
    assert after(EMPTY, shown) == [
        "2026-11-01 12:00:00 ORDER 7.bot Bitmex XBTUSDT.linear Buy 0.0010 of 0.0010"
        " @ 65000.0 bot open"
    ]
    assert after(shown, change(EMPTY, orders=(moved,))) == [
        "2026-11-01 12:00:00 ORDER 7.bot Bitmex XBTUSDT.linear Buy 0.0009 of 0.0010"
        " @ 65000.5 bot open"
    ]
    assert after(shown, EMPTY) == ["2026-11-01 12:00:00 ORDER 7.bot ended"]
    assert after(shown, shown) == []


def test_an_order_without_a_price_shows_its_kind() -> None:
    market_order = dataclasses.replace(ORDER, price=None, kind="Market")
    (line,) = after(EMPTY, change(EMPTY, orders=(market_order,)))
    assert "of 0.0010 Market bot open" in line


def test_new_rows_of_the_books_are_told_oldest_first_with_exact_money() -> None:
    ready = change(EMPTY, reloads=1)
    later = dataclasses.replace(ENTRY, exec_id="e2", at=AT.replace(second=9))
    funding = dataclasses.replace(
        ENTRY, exec_id="f1", side=SIDE_FUNDING, commission=123_456_789, at=AT.replace(second=5)
    )
    full = change(ready, trades=(row(later), row(ENTRY)), funding=(row(funding),))
    assert after(ready, full) == [
        "2026-11-01 12:00:00 TRADE Bitmex XBTUSDT.linear Buy 0.0001 @ 64999.25"
        " fee -0.000650 USDt bot",
        "2026-11-01 12:00:05 FUNDING Bitmex XBTUSDT.linear paid 123.456789 USDt bot",
        "2026-11-01 12:00:09 TRADE Bitmex XBTUSDT.linear Buy 0.0001 @ 64999.25"
        " fee -0.000650 USDt bot",
    ]
    assert after(ready, full, full) == []


def test_shares_of_one_execution_are_told_for_each_bot() -> None:
    ready = change(EMPTY, reloads=1)
    other = dataclasses.replace(ENTRY, emi="other")
    assert len(after(ready, change(ready, trades=(row(other), row(ENTRY))))) == 2


def test_rows_found_in_the_books_at_the_start_are_old_news() -> None:
    loaded = change(EMPTY, trades=(row(ENTRY),))
    assert after(EMPTY, loaded) == []
    assert after(EMPTY, loaded, change(loaded, reloads=1)) == []
    new = dataclasses.replace(ENTRY, exec_id="e2")
    grown = change(loaded, reloads=1, trades=(row(new), row(ENTRY)))
    assert len(after(EMPTY, change(loaded, reloads=1), grown)) == 1


def test_a_bot_is_told_when_its_status_or_problem_changes() -> None:
    shown = change(EMPTY, robots=(ROBOT,))
    failed = dataclasses.replace(ROBOT, status=Status.ERROR, problem="strategy.py:3 NameError")
    assert after(EMPTY, shown) == ["2026-11-01 12:00:00 ROBOT Bitmex bot XBTUSDT.linear WORK"]
    assert after(shown, change(EMPTY, robots=(failed,))) == [
        "2026-11-01 12:00:00 ROBOT Bitmex bot XBTUSDT.linear ERROR: strategy.py:3 NameError"
    ]
    assert after(shown, change(EMPTY, robots=(dataclasses.replace(ROBOT, position=5),))) == []


def test_text_of_the_exchange_stays_on_its_line() -> None:
    forged = Notice(number=1, at=AT, level=Level.INFO, text="a\n2026 TRADE b\x1b[2J" + "x" * 9_999)
    (line,) = after(EMPTY, change(EMPTY, notices=(forged,)))
    assert r"a\n2026 TRADE b\x1b[2J" in line
    assert len(line) < 600


def test_a_snapshot_is_looked_at_once_and_a_signal_ends_the_run() -> None:
    written: list[str] = []
    pauses: list[float] = []
    stop = StopSignals()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        stop.requested = len(pauses) == 3

    assert run_headless(lambda: EMPTY, stop, written.append, sleep) == 0
    assert pauses == [POLL_SECONDS] * 3
    assert written == ["2026-11-01 12:00:00 TRADING OFF (DEMO)"]


def test_an_output_that_fails_is_no_reason_to_end() -> None:
    stop = StopSignals()
    beats = iter(range(10))

    def fail(_line: str) -> None:
        raise OSError(28, "No space left on device")

    def snapshot() -> Snapshot:
        beat = next(beats)
        stop.requested = beat == 9
        return change(EMPTY, beat=beat, trading=beat % 2 == 0)

    assert run_headless(snapshot, stop, fail, lambda _: None) == 0
    assert next(beats, None) is None


if os.name == "posix":  # other systems have neither these signals nor this error

    def test_an_output_that_nobody_reads_ends_the_run() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        try:
            result = subprocess.run(
                [sys.executable, "-c", _ENDLESS],
                cwd=ROOT,
                stdout=writer,
                stderr=subprocess.PIPE,
                text=True,
                timeout=30,
                check=False,
            )
        finally:
            os.close(writer)
        assert (result.returncode, result.stderr) == (0, "ended\n")

    # A test run that nohup started hands its children a SIGHUP that is ignored.
    _AS_FROM_A_TERMINAL = "import signal\nsignal.signal(signal.%s, signal.default_int_handler)\n"

    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
    def test_a_signal_ends_the_process_with_code_0(name: str) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{_AS_FROM_A_TERMINAL % name}{_ENDLESS}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                assert process.stdout is not None
                assert process.stderr is not None
                assert "TRADING ON (DEMO)" in process.stdout.readline()
                process.send_signal(getattr(signal, name))
                assert process.wait(30) == 0
                assert process.stderr.read() == "ended\n"
            finally:
                process.kill()


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as stop:
        assert signal.getsignal(signal.SIGTERM) is not before
        signal.raise_signal(signal.SIGTERM)
        assert stop.requested
    assert signal.getsignal(signal.SIGTERM) is before
