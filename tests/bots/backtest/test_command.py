"""`--backtest` from the command line to the files; what is wrong is a sentence."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from api.simulator.bar_files import BarFile, read_rates, write_bars
from api.simulator.bars import Bars
from api.simulator.contracts import Contract
from bots.backtest.command import INTERRUPTED, run_backtest
from bots.backtest.preparation import Place, Wish
from bots.backtest.run import BackTest
from common.command_line import parse_options
from common.errors import ConfigurationError
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.bots.backtest.test_run import FOLLOW, sums_of
from tests.bots.backtest.walk import BEGIN, MARKET, contract, plan, walk
from tests.bots.terminal import write_algo

DAY = Wish("myBot", "2025-03-01T01:00", "2025-03-01T09:00")


def no_candles(_contract: Contract, _begin: object, _end: object) -> tuple[Bars, None]:
    return Bars(1, 10), None


def place(folder: Path, strategy: str = FOLLOW) -> Place:
    database = SqliteSettings(folder / "tmatic.db")
    add_robot(database, MARKET, "myBot", "XBTUSDT", "linear", 1, 10)
    add_robot(database, MARKET, "slowBot", "XBTUSDT", "linear", 3, 10)
    add_robot(database, MARKET, "oddBot", "DOGEUSDT", "linear", 1, 10)
    return Place(database, MARKET, write_algo(folder, strategy), folder / "out", no_candles)


def candles(folder: Path, count: int = 600, minutes: int = 1) -> Path:
    write_bars(folder / "candles.csv", walk(count, minutes=minutes))
    return folder / "candles.csv"


def edited(folder: Path, line: int, text: str) -> Path:
    """Return a file of candles with one line changed; line 1 holds the names."""
    path = candles(folder)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line - 1 : line] = [text] if text else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_report_lies_in_a_folder_of_its_own(tmp_path: Path) -> None:
    told: list[str] = []
    wish = replace(DAY, candles=candles(tmp_path))
    assert run_backtest(wish, place(tmp_path), told.append) == 0
    assert any(line.startswith("books verified: ") for line in told)
    [folder] = (tmp_path / "out").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "books.db",
        "equity.csv",
        "equity.png",
        "months.csv",
        "report.txt",
    }
    trades = sums_of(folder / "books.db")[0]
    months = (folder / "months.csv").read_text(encoding="utf-8").splitlines()
    assert months[1].split(",")[:2] == ["2025-03", str(trades)]
    assert months[2].split(",")[:2] == ["ALL", str(trades)]
    assert (folder / "report.txt").read_text(encoding="utf-8").splitlines() == told[:-1]
    run_backtest(wish, replace(place_again(tmp_path)), told.append)
    assert len(list((tmp_path / "out").iterdir())) == 2


def place_again(folder: Path) -> Place:
    database = SqliteSettings(folder / "tmatic.db")
    return Place(database, MARKET, folder / "algo", folder / "out", no_candles)


def test_the_picture_is_a_png_of_its_size(tmp_path: Path) -> None:
    run_backtest(replace(DAY, candles=candles(tmp_path)), place(tmp_path), lambda _: None)
    data = next((tmp_path / "out").glob("*/equity.png")).read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack("!II", data[16:24])
    at, pixels = 8, b""
    while at < len(data):
        size, name = struct.unpack("!I4s", data[at : at + 8])
        content = data[at + 8 : at + 8 + size]
        [check] = struct.unpack("!I", data[at + 8 + size : at + 12 + size])
        assert check == zlib.crc32(name + content)
        pixels += content if name == b"IDAT" else b""
        at += 12 + size
    assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"emi": "nobody"}, r"no bot nobody .*there are: myBot, oddBot, slowBot.*--add-bot"),
        ({"begin": "2025-03-02", "end": "2025-03-01"}, r"--from 2025-03-02 must be earlier"),
        ({"begin": "someday"}, r"--from 'someday' is not a date such as .* today and yesterday"),
        ({"end": ""}, r"--to '' is not a date"),
        ({"begin": "2025-04-01", "end": "2025-04-02"}, r"no candles of XBTUSDT.linear between"),
        ({"begin": "2025-02-28T23:00"}, r"begin only at 2025-03-01 00:00 UTC: choose --from"),
        ({"end": "2025-03-01T10:01"}, r"end at 2025-03-01 10:00 UTC: choose --to"),
        ({"deposit": "a lot"}, r"--deposit 'a lot' is not an amount"),
        ({"deposit": "0.0000001"}, r"with at most 6 decimal places"),
        ({"emi": "oddBot"}, r"DOGEUSDT.linear, whose figures .* it knows XBTUSD inverse"),
        ({"candles": Path("nowhere.csv")}, r"nowhere.csv cannot be read: No such file"),
        ({"funding": Path("nowhere.csv")}, r"nowhere.csv cannot be read: No such file"),
    ],
)
def test_a_wrong_wish_is_a_sentence_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    wish = replace(DAY, **{"candles": candles(tmp_path), **changes})  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=words):
        run_backtest(wish, place(tmp_path), lambda _: None)
    assert not (tmp_path / "out").exists()


def test_yesterday_and_today_are_days_in_utc(tmp_path: Path) -> None:
    wish = replace(DAY, candles=candles(tmp_path), begin="yesterday", end="today")
    before = datetime.now(timezone.utc).date()
    with pytest.raises(ConfigurationError, match=r"no candles of XBTUSDT.linear between") as told:
        run_backtest(wish, place(tmp_path), lambda _: None)
    after = datetime.now(timezone.utc).date()  # midnight may have been between
    days = [f"{day - timedelta(days=1)} 00:00 and {day} 00:00" for day in (before, after)]
    assert any(day in str(told.value) for day in days), str(told.value)


def test_too_little_history_for_the_strategy_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    where = place(tmp_path, "def myBot(robot, frame, ticker, instrument):\n    pass\n")
    init = tmp_path / "algo" / "init.py"
    text = init.read_text(encoding="utf-8")
    init.write_text(text + '    bot.robots["myBot"]["PERIOD"] = 600\n', encoding="utf-8")
    wish = replace(DAY, candles=candles(tmp_path))
    with pytest.raises(ConfigurationError, match=r"needs 601 bars of 1 min .* there are 540 in"):
        run_backtest(wish, where, lambda _: None)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_timeframe_that_the_bars_cannot_make_is_told(tmp_path: Path) -> None:
    wish = replace(DAY, emi="slowBot", candles=candles(tmp_path, 200, minutes=5))
    with pytest.raises(ConfigurationError, match=r"slowBot needs bars of 3 min"):
        run_backtest(wish, place(tmp_path), lambda _: None)


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        (1, "open,high,low,close", r"line 1: .*missing: start \(or timestamp.*volume"),
        (5, "", r"line 5: the bar of 2025-03-01 00:04 follows that of 2025-03-01 00:02: bars are"),
        (5, "2025-03-01T00:02:00Z,1,1,1,1,1,,", r"line 5: .*comes too late"),
        (4, "2025-03-01T00:02:00Z,1,1", r"line 4: 3 columns instead of 8"),
        (4, "soon,1,1,1,1,1,,", r"line 4: 'soon' is not a time such as"),
        (4, "2025-03-01T00:02:30Z,1,1,1,1,1,,", r"line 4: .*not the beginning of a minute"),
        (4, "2025-03-01T00:02:00Z,1,1,1,x,1,,", r"line 4: close 'x' is not a number"),
        (4, "2025-03-01T00:02:00Z,1,1,1,nan,1,,", r"line 4: close 'nan' is not a number"),
        (4, "2025-03-01T00:02:00Z,0,1,0,1,1,,", r"line 4: open '0' is not a price above 0"),
        (4, "2025-03-01T00:02:00Z,3,2,1,1,1,,", r"line 4: open and close must lie between"),
        (4, "2025-03-01T00:02:00Z,1,1,1,1,-1,,", r"line 4: volume must be a number of contracts"),
        (4, "2025-03-01T00:02:00Z,1,1,1,1,1,2,1", r"line 4: bid must be below ask"),
    ],
)
def test_an_error_in_a_file_names_its_line(
    tmp_path: Path, line: int, text: str, words: str
) -> None:
    path = edited(tmp_path, line, text)
    with pytest.raises(ConfigurationError, match=rf"candles\.csv, {words}"):
        BarFile(path, contract()).read()


def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    bars = walk(50)
    write_bars(tmp_path / "a.csv", bars)
    assert list(BarFile(tmp_path / "a.csv", contract()).read()) == list(bars)


def test_bins_of_the_exchange_carry_the_end_of_the_bar(tmp_path: Path) -> None:
    path = tmp_path / "bins.csv"
    path.write_text(
        "timestamp,symbol,open,high,low,close,trades,volume,vwap\n"
        "2025-03-01T00:01:00.000Z,XBTUSDT,100.04,101,100,100.5,3,500,\n"
        "2025-03-01T00:02:00.000Z,XBTUSDT,100.5,100.4,99,99.5,3,700,\n",
        encoding="utf-8",
    )
    file = BarFile(path, contract())
    first, second = file.read()
    assert first.start == int(BEGIN.timestamp()) // 60
    assert (first.open, first.volume) == (1000, 500)
    assert second.high == 1005  # it opened at the close before, above its own trades
    assert file.rounded == 1


def test_funding_rates_are_read_and_errors_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("timestamp,fundingRate\n2025-03-01T04:00:00Z,-0.000125\n", encoding="utf-8")
    assert list(read_rates(path).values()) == [-125]
    path.write_text("timestamp,fundingRate\n2025-03-01T04:00:00Z,much\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"rates\.csv, line 2: .*a line is such as"):
        read_rates(path)


def test_funding_of_a_file_is_paid_to_the_last_unit(tmp_path: Path) -> None:
    rates = tmp_path / "rates.csv"
    rates.write_text("timestamp,fundingRate\n2025-03-01T04:00:00Z,0.001\n", encoding="utf-8")
    hold = """
def myBot(robot, frame, ticker, instrument):
    if robot["POS"] == 0:
        post(robot, price=ticker["ask"], qty=1000)
"""
    wish = replace(DAY, candles=candles(tmp_path), funding=rates, end="2025-03-01T05:00")
    run_backtest(wish, place(tmp_path, hold), lambda _: None)
    [folder] = (tmp_path / "out").iterdir()
    bar = walk(600)[239]  # the one that ends at 04:00
    assert sums_of(folder / "books.db")[3] == 1000 * bar.close // 10 // 1000


def test_ctrl_c_ends_with_the_report_of_what_was_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    run = BackTest.run

    def stop_soon(test: BackTest, watch: object) -> object:
        serve = test._closed

        def closed(index: int) -> None:
            serve(index)
            if index == 200:
                test.stop()

        test.player._bar_closed = closed
        return run(test)

    monkeypatch.setattr(BackTest, "run", stop_soon)
    wish = replace(DAY, candles=candles(tmp_path))
    assert run_backtest(wish, place(tmp_path), told.append) == INTERRUPTED
    assert "STOPPED EARLY" in told[1]
    assert "2025-03-01 03:21" in told[1]
    assert any(line.startswith("books verified: ") for line in told)


def test_bars_before_the_beginning_are_the_past_of_the_strategy(tmp_path: Path) -> None:
    made = plan(walk(100), write_algo(tmp_path, FOLLOW), tmp_path / "books.db", warm=40)
    outcome = BackTest(made).run()
    assert outcome.begin == BEGIN + timedelta(minutes=40)
    assert outcome.bars == 60


@pytest.mark.parametrize(
    "arguments",
    [
        ["--backtest", "myBot"],
        ["--backtest", "myBot", "--from", "2025-01-01"],
        ["--from", "2025-01-01"],
        ["--candles", "a.csv"],
        ["--backtest", "b", "--from", "1", "--to", "2", "--spread", "0"],
        ["--backtest", "b", "--from", "1", "--to", "2", "--fill", "maybe"],
    ],
)
def test_options_that_do_not_belong_together_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(arguments, "0")
    assert ended.value.code == 2
