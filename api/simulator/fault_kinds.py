"""Every way in which the exchange can misbehave on request: names, places, options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Place(str, Enum):
    """Where a fault bites."""

    REQUEST = "request"  # a REST request, before or after it is carried out
    ANSWER = "answer"  # the body of a successful answer to a GET
    CLOCK = "clock"  # whatever tells the exchange's time to a client
    UPGRADE = "upgrade"  # a WebSocket that is about to be opened
    FRAME = "frame"  # a text that is about to leave on a WebSocket


Option = int | float | str | bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One fault. Each option has the type of its default."""

    places: tuple[Place, ...]
    does: str
    options: Mapping[str, Option] = field(default_factory=dict)
    times: int = 1  # how often a rule bites unless it says else; 0: without end
    needs_rows: bool = False  # only texts of tables that hold a row can be spoilt like this
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what it can befall at all


_REQUEST, _ANSWER, _FRAME = (Place.REQUEST,), (Place.ANSWER,), (Place.FRAME,)
_FIELD: Mapping[str, Option] = {"field": ""}
_PARTIAL: Mapping[str, tuple[str, ...]] = {"action": ("partial",)}
_BOOK: Mapping[str, tuple[str, ...]] = {"table": ("orderBook10", "quote")}
_DELTA: Mapping[str, tuple[str, ...]] = {"action": ("insert", "update", "delete")}

KINDS: Mapping[str, Kind] = {
    # requests
    "late": Kind(
        _REQUEST,
        "the answer comes after `seconds`; carried out first with `after`",
        {"seconds": 2.0, "after": False},
    ),
    "silent": Kind(
        _REQUEST,
        "no answer for `seconds`, then a reset; carried out with `after`",
        {"seconds": 120.0, "after": False},
    ),
    "reset": Kind(
        _REQUEST,
        "the connection is reset; after the request took effect with `after`",
        {"after": False},
    ),
    "half-answer": Kind(_REQUEST, "carried out, but reset in the middle of the answer"),
    "rate-limit": Kind(
        _REQUEST, "429 with its headers, to be tried after `seconds`", {"seconds": 2}
    ),
    "overload": Kind(_REQUEST, "503 overloaded and not carried out; cancels are exempt"),
    "error-page": Kind(
        _REQUEST,
        "`status` without JSON (`form` html, empty, garbage); carried out with `after`",
        {"status": 502, "form": "html", "after": False},
    ),
    "error-json": Kind(
        _REQUEST,
        "`status` with an error in JSON; carried out with `after`",
        {"status": 504, "message": "Request timed out", "after": False},
    ),
    "ban": Kind(_REQUEST, "403 Forbidden", times=0),
    "key-refused": Kind(_REQUEST, "401 or 403: the key is not accepted", {"status": 401}, times=0),
    "maintenance": Kind(
        (Place.REQUEST, Place.UPGRADE, Place.FRAME),
        "requests and upgrades are answered 503, streams are closed with 1001",
        times=0,
    ),
    # answers
    "late-rows": Kind(_ANSWER, "rows younger than `seconds` are not served yet", {"seconds": 10.0}),
    "short-page": Kind(_ANSWER, "at most `rows` rows although there are more", {"rows": 1}),
    "empty-page": Kind(_ANSWER, "no rows"),
    "repeated-page": Kind(_ANSWER, "the rows of the last answer to this path once more"),
    "other-account": Kind(
        _ANSWER, "GET /user tells another account", {"account": 4711}, only={"path": ("/user",)}
    ),
    "odd-answer": Kind(
        _ANSWER,
        "`field` (default: the first number) is `value` in the text",
        {"field": "", "value": "NaN"},
    ),
    # clock
    "clock-skew": Kind(
        (Place.CLOCK,),
        "the Date header and the check of signatures are `seconds` ahead",
        {"seconds": 60.0},
        times=0,
    ),
    # upgrades
    "stream-refused": Kind(
        (Place.UPGRADE,), "the upgrade is answered `status` with a page", {"status": 503}
    ),
    # frames: the connection
    "drop": Kind(_FRAME, "the connection is reset"),
    "close": Kind(
        _FRAME,
        "the stream is closed properly",
        {"code": 1001, "reason": "Server is shutting down."},
    ),
    "half-open": Kind(
        _FRAME, "nothing is sent or read any more; reset after `seconds`", {"seconds": 60.0}
    ),
    "slow": Kind(
        _FRAME,
        "from now on `rate` bytes a second, for `seconds`",
        {"rate": 1000.0, "seconds": 30.0},
    ),
    # frames: the text
    "lose": Kind(_FRAME, "the text does not leave"),
    "duplicate": Kind(_FRAME, "the text leaves twice"),
    "reorder": Kind(_FRAME, "the text leaves after the next one"),
    "truncate": Kind(_FRAME, "only the first half leaves"),
    "garble": Kind(_FRAME, "some characters are replaced"),
    "bad-utf8": Kind(_FRAME, "bytes that are no UTF-8 are in it"),
    "not-json": Kind(_FRAME, "a page leaves instead"),
    "binary": Kind(_FRAME, "it leaves as a binary frame"),
    "deep": Kind(_FRAME, "a text nested `levels` deep leaves before it", {"levels": 200_000}),
    "huge": Kind(_FRAME, "a text of `megabytes` leaves before it", {"megabytes": 17}),
    # frames: the protocol
    "no-partial": Kind(_FRAME, "a partial does not leave", only=_PARTIAL),
    "early-delta": Kind(_FRAME, "a change leaves before its partial", only=_PARTIAL),
    "second-partial": Kind(_FRAME, "the table's image leaves once more after it", only=_DELTA),
    "unknown-table": Kind(_FRAME, "a text of an unknown table leaves before it", needs_rows=True),
    "unknown-action": Kind(
        _FRAME, "a text with an unknown action leaves before it", needs_rows=True
    ),
    "unknown-field": Kind(_FRAME, "its rows have a column nobody knows", needs_rows=True),
    "unknown-type": Kind(
        _FRAME,
        "a copy with an unknown execType or ordStatus leaves before it",
        needs_rows=True,
        only={"table": ("execution", "order")},
    ),
    "unknown-row": Kind(
        _FRAME, "an update and a delete of a row that is not there leave before it", needs_rows=True
    ),
    "unknown-symbol": Kind(
        _FRAME, "a copy of its rows with an unlisted symbol leaves before it", needs_rows=True
    ),
    "foreign-currency": Kind(
        _FRAME,
        "a margin row of an unlisted currency leaves before it",
        needs_rows=True,
        only={"table": ("margin",)},
    ),
    "no-rows": Kind(_FRAME, "a text with data [] leaves before it", needs_rows=True),
    "absent-field": Kind(_FRAME, "`field` is left out of its rows", _FIELD, needs_rows=True),
    "null-field": Kind(_FRAME, "`field` is null in its rows", _FIELD, needs_rows=True),
    "empty-field": Kind(_FRAME, 'it says "" for `field`', _FIELD, needs_rows=True),
    "wrong-type": Kind(
        _FRAME, "`field` (default: the first number) is text", _FIELD, needs_rows=True
    ),
    "odd-number": Kind(
        _FRAME,
        "`field` (default: the first number) is `value`",
        {"field": "", "value": "NaN"},
        needs_rows=True,
    ),
    "duplicate-key": Kind(
        _FRAME, "its first row names a column twice; the last one counts", needs_rows=True
    ),
    "crossed-book": Kind(
        _FRAME, "bids and asks of a book or quote change places", needs_rows=True, only=_BOOK
    ),
    "empty-book": Kind(_FRAME, "one side of a book or quote is empty", needs_rows=True, only=_BOOK),
    "token-expired": Kind(_FRAME, "419 for a topic of its table leaves before it", needs_rows=True),
}
