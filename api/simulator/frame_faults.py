"""What faults make of the texts of a WebSocket. Pure: a text and a bite in, frames out."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import orjson

from api.simulator.encoding import to_json
from api.simulator.faults import Bite
from api.simulator.ports import Json, Row
from api.simulator.request_faults import PAGE, odd

_HEAD = re.compile(r'^\{"table":"(\w+)","action":"(\w+)"')
_ROWS = '"data":['
NO_ID = "00000000-0000-0000-0000-000000000000"
UNLISTED = "NOSUCHUSDT"


@dataclass(frozen=True, slots=True)
class RawText:
    """The payload of a text frame, which may be no text."""

    data: bytes


Frame = str | bytes | RawText  # a text, a binary frame, a text frame of any bytes
Change = Callable[[str, Bite, Random], Sequence[Frame]]


def head(text: str) -> tuple[str, str]:
    """Return table and action of a text, two empty ones where it is no table message."""
    match = _HEAD.match(text)
    return (match.group(1), match.group(2)) if match else ("", "")


def spoil(text: str, bite: Bite, random: Random) -> Sequence[Frame]:
    """Return the frames that leave in the place of a text."""
    return CHANGES[bite.fault](text, bite, random)


# ---- the text --------------------------------------------------------------------------------


def _garble(text: str, _bite: Bite, random: Random) -> Sequence[Frame]:
    place = random.randrange(1, max(2, len(text) - 4))
    return [f"{text[:place]}\x00\x01{{{text[place + 4 :]}"]  # control characters are never JSON


def _bad_utf8(text: str, _bite: Bite, _random: Random) -> Sequence[Frame]:
    data = text.encode()
    return [RawText(data[: len(data) // 2] + b"\xff\xfe\xc0" + data[len(data) // 2 :])]


def _deep(text: str, bite: Bite, _random: Random) -> Sequence[Frame]:
    levels = bite.whole("levels")
    return ["[" * levels + "]" * levels, text]


def _huge(text: str, bite: Bite, _random: Random) -> Sequence[Frame]:
    filler = "x" * (bite.whole("megabytes") * 1024 * 1024)
    return [f'{{"table":"chat","action":"insert","data":[{{"message":"{filler}"}}]}}', text]


# ---- the protocol: rows of a table message ---------------------------------------------------


def _message(text: str) -> tuple[Row, list[Row]] | None:
    """Return a table message and its rows; None where a text is none, or has no rows."""
    if not head(text)[0]:
        return None
    message: Row = orjson.loads(text)
    rows = message.get("data")
    return (message, rows) if isinstance(rows, list) and rows else None


def _with_rows(change: Callable[[Row, Bite], None]) -> Change:
    """Return the change of a text whose every row is changed."""

    def run(text: str, bite: Bite, _random: Random) -> Sequence[Frame]:
        found = _message(text)
        if found is None:
            return [text]
        message, rows = found
        for row in rows:
            change(row, bite)
        return [to_json(message)]

    return run


def _before(make: Callable[[Row, list[Row]], Row | None]) -> Change:
    """Return the change of a text before which another one leaves."""

    def run(text: str, _bite: Bite, _random: Random) -> Sequence[Frame]:
        found = _message(text)
        extra = None if found is None else make(copy.deepcopy(found[0]), copy.deepcopy(found[1]))
        return [text] if extra is None else [to_json(extra), text]

    return run


def _column(row: Row, bite: Bite) -> str:
    """Return the column that a fault is about: the one named, or the first after the symbol."""
    named = bite.text("field")
    return named or next((name for name in row if name not in ("symbol", "account")), "")


def _set(value: Json) -> Callable[[Row, Bite], None]:
    def change(row: Row, bite: Bite) -> None:
        if _column(row, bite) in row:
            row[_column(row, bite)] = value

    return change


def _leave_out(row: Row, bite: Bite) -> None:
    row.pop(_column(row, bite), None)


def _unknown_field(row: Row, _bite: Bite) -> None:
    row["novelty"] = {"since": 2027, "of": [1, None, "x"]}


def _cross(row: Row, _bite: Bite) -> None:
    for left, right in (("bids", "asks"), ("bidPrice", "askPrice"), ("bidSize", "askSize")):
        if left in row and right in row:
            row[left], row[right] = row[right], row[left]


def _empty_side(row: Row, _bite: Bite) -> None:
    if "bids" in row:
        row["bids"] = []
    for name in ("bidPrice", "bidSize"):
        row.pop(name, None)


def _unknown_table(_message: Row, rows: list[Row]) -> Row:
    return {"table": "novelty", "action": "insert", "data": rows}


def _unknown_action(message: Row, rows: list[Row]) -> Row:
    return {"table": message["table"], "action": "replace", "data": rows}


def _no_rows(message: Row, _rows: list[Row]) -> Row:
    action = "update" if message["action"] == "partial" else message["action"]
    return {"table": message["table"], "action": action, "data": []}


def _unknown_type(message: Row, rows: list[Row]) -> Row | None:
    columns = {"execution": "execType", "order": "ordStatus"}
    column = columns.get(str(message["table"]))
    if column is None:
        return None
    copies = [{**row, column: "Novel"} for row in rows]
    for row in copies:
        if "execID" in row:
            row["execID"] = NO_ID
    return {"table": message["table"], "action": "insert", "data": copies}


def _unknown_symbol(message: Row, rows: list[Row]) -> Row | None:
    copies = [{**row, "symbol": UNLISTED} for row in rows if "symbol" in row]
    for row in copies:
        for name in ("execID", "orderID"):
            if name in row:
                row[name] = NO_ID
    action = "insert" if message["action"] == "partial" else message["action"]
    return {"table": message["table"], "action": action, "data": copies} if copies else None


def _foreign_currency(message: Row, rows: list[Row]) -> Row | None:
    if message["table"] != "margin":
        return None
    return {"table": "margin", "action": "insert", "data": [{**rows[0], "currency": "NOSuch"}]}


def _early_delta(text: str, _bite: Bite, _random: Random) -> Sequence[Frame]:
    """Put a change before a partial: one that would matter if it were believed."""
    table, action = head(text)
    if action != "partial":
        return [text]
    found = _message(text)
    row: Row = {"orderID": NO_ID, "execID": NO_ID, "symbol": UNLISTED}
    if found is not None:
        row = {**found[1][0], "leavesQty": 0, "currentQty": 0, "walletBalance": 0}
    return [to_json({"table": table, "action": "update", "data": [row]}), text]


def _unknown_row(text: str, _bite: Bite, _random: Random) -> Sequence[Frame]:
    """Change and delete a row that nobody has been told of."""
    found = _message(text)
    if found is None:
        return [text]
    row = {**found[1][0], "orderID": NO_ID, "execID": NO_ID, "symbol": UNLISTED, "id": 1}
    row["leavesQty"] = 1
    extra = [
        to_json({"table": found[0]["table"], "action": action, "data": [row]})
        for action in ("update", "delete")
    ]
    return [*extra, text]


def _duplicate_key(text: str, _bite: Bite, _random: Random) -> Sequence[Frame]:
    return [text.replace(_ROWS + "{", _ROWS + f'{{"symbol":"{UNLISTED}","execID":"{NO_ID}",', 1)]


def _wrong_type(text: str, bite: Bite, _random: Random) -> Sequence[Frame]:
    return [odd(text, bite.text("field"), '"text"')]


def _token_expired(text: str, _bite: Bite, _random: Random) -> Sequence[Frame]:
    error = f"Access Token expired for subscription: {head(text)[0]}:*"
    meta: Json = {"note": "Subscribe again."}
    request: Json = {"op": "subscribe", "args": [head(text)[0]]}
    return [to_json({"status": 419, "error": error, "meta": meta, "request": request}), text]


CHANGES: dict[str, Change] = {
    "lose": lambda _text, _bite, _random: [],
    "duplicate": lambda text, _bite, _random: [text, text],
    "truncate": lambda text, _bite, _random: [text[: len(text) // 2]],
    "garble": _garble,
    "bad-utf8": _bad_utf8,
    "not-json": lambda _text, _bite, _random: [PAGE.format(status=502)],
    "binary": lambda text, _bite, _random: [text.encode()],
    "deep": _deep,
    "huge": _huge,
    "no-partial": lambda text, _bite, _random: [] if head(text)[1] == "partial" else [text],
    "early-delta": _early_delta,
    "unknown-table": _before(_unknown_table),
    "unknown-action": _before(_unknown_action),
    "unknown-field": _with_rows(_unknown_field),
    "unknown-type": _before(_unknown_type),
    "unknown-row": _unknown_row,
    "unknown-symbol": _before(_unknown_symbol),
    "foreign-currency": _before(_foreign_currency),
    "no-rows": _before(_no_rows),
    "absent-field": _with_rows(_leave_out),
    "null-field": _with_rows(_set(None)),
    "empty-field": _with_rows(_set("")),
    "wrong-type": _wrong_type,
    "odd-number": lambda text, bite, _random: [odd(text, bite.text("field"), bite.text("value"))],
    "duplicate-key": _duplicate_key,
    "crossed-book": _with_rows(_cross),
    "empty-book": _with_rows(_empty_side),
    "token-expired": _token_expired,
}
