"""Executions from files, in the forms and dialects that the exchange wrote them in."""

from __future__ import annotations

import csv
import io
import json
import os
import tracemalloc
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from api.bitmex.files import read_executions
from common.domain.executions import ExecutionKind
from common.domain.imports import FileRow
from common.domain.instruments import Category
from common.domain.orders import Side
from common.errors import ConfigurationError

FILL: dict[str, object] = {
    "execID": "e-1",
    "orderID": "o-1",
    "clOrdID": "7.bot",
    "account": 42,
    "symbol": "XBTUSD",
    "side": "Sell",
    "lastQty": 30,
    "lastPx": 7622.5,
    "price": 7622.5,
    "currency": "USD",
    "settlCurrency": "XBt",
    "execType": "Trade",
    "commission": -0.00025,
    "leavesQty": 0,
    "execCost": 393570,
    "execComm": -98,
    "homeNotional": -0.0039357,
    "foreignNotional": 30,
    "transactTime": "2018-07-24T12:00:00.123Z",
    "timestamp": "2018-07-24T12:00:00.123Z",
    "text": 'Submission "from" www.bitmex.com\nsecond, line',
}
FUNDING: dict[str, object] = {
    "execID": "e-2",
    "account": 42,
    "symbol": "XBTUSD",
    "lastQty": 169,
    "lastPx": 9270.5,
    "currency": "USD",
    "settlCurrency": "XBt",
    "execType": "Funding",
    "commission": -0.0001,
    "execCost": 1823510,
    "execComm": -182,
    "homeNotional": -0.0182351,
    "foreignNotional": 169,
    "transactTime": "2020-07-14T12:00:00.000Z",
}
OLD_FUNDING = {**FUNDING, "side": "", "clOrdID": "", "price": None, "leavesQty": None}
LINEAR = {
    **FILL,
    "execID": "e-3",
    "symbol": "XBTUSDT",
    "side": "Buy",
    "currency": "USDT",
    "settlCurrency": "USDt",
}


def as_csv(*rows: dict[str, object]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: "" if v is None else v for k, v in row.items()})
    return text.getvalue()


def as_lines(*rows: dict[str, object]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def as_array(*rows: dict[str, object]) -> str:
    return json.dumps(rows, indent=1)


def read(folder: Path, text: str, account: int | None = None) -> list[FileRow]:
    path = folder / "file"
    path.write_text(text, encoding="utf-8", newline="")
    return list(read_executions(path, account))


FORMS = pytest.mark.parametrize("form", [as_csv, as_lines, as_array])


@FORMS
def test_every_form_gives_the_same_figures(form: object, tmp_path: Path) -> None:
    rows = read(tmp_path, form(FILL, FUNDING, LINEAR))  # type: ignore[operator]
    assert [row.problem for row in rows] == ["", "", ""]
    fill, linear, funding = (row.execution for row in rows)  # oldest first
    assert fill is not None
    assert funding is not None
    assert linear is not None
    assert (fill.side, fill.quantity, fill.cost, fill.fee) == (Side.SELL, 30, 393570, -98)
    assert (fill.symbol.category, fill.currency, fill.account) == (Category.INVERSE, "XBt", 42)
    assert fill.trade_price == Decimal("7622.5")
    assert fill.at.microsecond == 123000
    assert (funding.kind, funding.side) == (ExecutionKind.FUNDING, Side.SELL)
    assert funding.symbol == fill.symbol
    assert (linear.symbol.category, linear.currency) == (Category.LINEAR, "USDt")


@FORMS
def test_both_dialects_give_the_same(form: object, tmp_path: Path) -> None:
    (new,) = read(tmp_path, form(FUNDING))  # type: ignore[operator]
    (old,) = read(tmp_path, form(OLD_FUNDING))  # type: ignore[operator]
    assert new.execution is not None
    assert old.execution is not None
    assert (new.execution.fee, new.execution.side) == (old.execution.fee, old.execution.side)


@FORMS
def test_rows_without_an_account_belong_to_the_one_that_is_named(
    form: object, tmp_path: Path
) -> None:
    nameless = {name: value for name, value in FILL.items() if name != "account"}
    rows = read(tmp_path, form(nameless, LINEAR), 77)  # type: ignore[operator]
    first, second = (row.execution for row in rows)
    assert first is not None
    assert second is not None
    assert (first.account, second.account) == (77, 42)
    assert '"account":77' in first.raw


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"execID": ""}, "execID is missing"),
        ({"account": ""}, "account is missing; --account"),
        ({"execCost": ""}, "execCost is missing"),
        ({"lastQty": "many"}, "lastQty is not a"),
        ({"side": "Hold"}, "side is neither"),
        ({"transactTime": "yesterday"}, "transactTime is not a time"),
        ({"lastQty": 10**19}, "lastQty is out of range"),
    ],
)
@FORMS
def test_a_row_that_cannot_be_read_is_named_with_its_line(
    form: object, changes: dict[str, object], words: str, tmp_path: Path
) -> None:
    good = {**LINEAR, "text": ""}
    rows = read(tmp_path, form(good, {**good, "execID": "e-9", **changes}, good))  # type: ignore[operator]
    assert [row.execution is not None for row in rows] == [True, False, True]
    assert words in rows[1].problem
    assert rows[0].place < rows[1].place < rows[2].place


def test_rows_of_an_array_in_one_line_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "array.json"
    path.write_text(json.dumps([LINEAR, {**LINEAR, "execID": ""}, 7]), encoding="utf-8")
    rows = list(read_executions(path))
    assert [str(row.place) for row in rows] == ["line 1, row 1", "line 1, row 2", "line 1, row 3"]
    assert [bool(row.problem) for row in rows] == [False, True, True]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    assert [row.place.line for row in read(tmp_path, as_lines(FILL, FUNDING))] == [1, 2]
    # A quoted text may itself have lines: a row begins where its first character stands.
    assert [row.place.line for row in read(tmp_path, as_csv(FILL, FUNDING))] == [2, 4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"execID": 1}, oops', "line 1: not JSON"),
        ("a,b\n1,2\n", "lacks the columns execID, symbol, execType, transactTime"),
        ("", "lacks the columns"),
        ('execID,symbol,execType,transactTime\n"open', "line 2"),
    ],
)
def test_a_file_that_is_none_of_them_is_refused_in_words(
    text: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read(tmp_path, text)


def test_a_file_that_is_missing_or_no_text_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        list(read_executions(tmp_path / "none"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        list(read_executions(tmp_path / "binary"))


def test_a_number_of_thousands_of_digits_costs_its_row_alone(tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    columns = "execID,symbol,execType,transactTime,account,side,currency,settlCurrency,lastQty"
    row = "XBTUSD,Trade,2024-01-01T00:00:00.000Z,42,Buy,USD,XBt"
    file.write_text(
        f"{columns},execCost,execComm\ne1,{row},{'9' * 5000},-5,1\ne2,{row},5,-5,1\n",
        encoding="utf-8",
    )
    bad, good = read_executions(file)
    assert "lastQty is not a number" in bad.problem
    assert good.execution is not None


# ---- the order of time, without the file in memory --------------------------------------------


def at(second: int, exec_id: str) -> dict[str, object]:
    moment = f"2024-01-01T00:00:{second:02d}.000Z"
    return {**LINEAR, "execID": exec_id, "transactTime": moment, "text": "two\nlines"}


def ids(rows: Iterable[FileRow]) -> str:
    return "".join(row.execution.exec_id if row.execution else "?" for row in rows)


@FORMS
@pytest.mark.parametrize(
    ("file", "order"),
    [
        ("1a 1b 2c 3d", "abcd"),
        ("3d 2c 1b 1a", "abcd"),  # newest first: so are those of one moment
        ("2c 1a 3d 1b 4e", "abcde"),
        ("1a 1b 9? 2c", "ab?c"),  # a row without a time stays where it is
        ("", ""),
    ],
)
def test_rows_come_in_the_order_of_their_time(
    form: object, file: str, order: str, tmp_path: Path
) -> None:
    rows = [at(int(name[0]), name[1]) for name in file.split()]
    rows = [row | {"transactTime": "soon"} if row["execID"] == "?" else row for row in rows]
    found = read(tmp_path, form(*rows) if rows else as_csv(FILL).splitlines()[0])  # type: ignore[operator]
    assert ids(found) == order


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_every_end_of_line_is_read(tmp_path: Path, begin: str, end: str) -> None:
    text = begin + as_csv(at(3, "c"), at(2, "b"), at(1, "a")).replace("\r\n", end) + end + end
    rows = read(tmp_path, text)
    assert [(row.problem, row.place.line) for row in rows] == [("", 6), ("", 4), ("", 2)]
    assert ids(rows) == "abc"


def test_a_symbol_is_known_from_the_row_that_tells_it_wherever_it_stands(tmp_path: Path) -> None:
    silent = {**FILL, "execID": "a", "execCost": 0, "transactTime": "2024-01-01T00:00:01.000Z"}
    telling = {**FILL, "execID": "b", "transactTime": "2024-01-01T00:00:02.000Z"}
    rows = read(tmp_path, as_csv(silent, telling))
    assert [row.execution.symbol.category for row in rows if row.execution] == [
        Category.INVERSE,
        Category.INVERSE,
    ]


def test_a_csv_file_is_not_kept_in_memory(tmp_path: Path) -> None:
    head, row = as_csv(at(1, "e-000000")).split("\r\n", 1)
    path = tmp_path / "long.csv"
    text = "".join(row.replace("e-000000", f"e-{number:06d}") for number in range(4000))
    path.write_text(f"{head}\r\n{text}", encoding="utf-8", newline="")
    tracemalloc.start()
    try:
        rows = read_executions(path)
        count = sum(1 for _ in rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == len(rows) == 4000
    assert peak < path.stat().st_size, "an execution takes six times the text of its row"


def test_a_file_that_is_rewritten_with_as_many_bytes_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(as_csv(at(1, "a"), at(2, "b")), encoding="utf-8", newline="")
    state = path.stat()
    rows = read_executions(path)
    path.write_text(as_csv(at(1, "a"), at(0, "b")), encoding="utf-8", newline="")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(ConfigurationError, match="was changed while it was read"):
        list(rows)


def test_a_column_that_the_header_has_twice_is_refused_in_words(tmp_path: Path) -> None:
    text = as_csv(at(1, "a")).replace("transactTime", "transactTime,transactTime", 1)
    with pytest.raises(ConfigurationError, match="the columns transactTime twice"):
        read(tmp_path, text)


if os.name == "posix":

    def test_a_pipe_is_refused_in_words(tmp_path: Path) -> None:
        """It can be read once only."""
        path = tmp_path / "pipe"
        os.mkfifo(path)
        with pytest.raises(ConfigurationError, match="no file that can be read twice"):
            read_executions(path)


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(as_csv(at(1, "a"), at(2, "b")), encoding="utf-8", newline="")
    rows = read_executions(path)
    path.write_text(as_csv(at(1, "a"), at(2, "b"), at(3, "c")), encoding="utf-8", newline="")
    with pytest.raises(ConfigurationError, match="was changed while it was read"):
        list(rows)
