"""What faults make of REST requests and their answers. Pure: the sockets are elsewhere."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from api.simulator.credentials import error_body
from api.simulator.encoding import to_json, to_json_bytes
from api.simulator.fault_kinds import Place
from api.simulator.faults import Bite, Event, Faults
from api.simulator.ports import Answer, Json
from api.simulator.times import parse

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
OVERLOADED = "The system is currently overloaded. Please try again later."
MAINTENANCE = "The system is currently down for maintenance."
PAGE = "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
_NUMBER = r'("{field}":)-?[0-9][0-9.eE+-]*'


class Ending(Enum):
    """How the connection goes on."""

    SEND = "send"
    SILENCE = "silence"  # nothing for `linger` seconds, then a reset
    RESET = "reset"
    HALF = "half"  # half an answer, then a reset


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it stands on the wire."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mishap:
    """What befalls a request: perhaps it is carried out, perhaps something else is answered."""

    carried_out: bool
    wait: float = 0.0  # seconds before anything else
    linger: float = 0.0  # seconds between taking effect and the answer
    ending: Ending = Ending.SEND
    answer: Raw | None = None  # in the place of the exchange's own


def mishap(faults: Faults, event: Event, unix_seconds: float) -> Mishap | None:
    """Return what befalls a request, None: nothing."""
    bite = None if faults.idle else faults.bite(event)
    if bite is None:
        return None
    return _connection(bite) or Mishap(_after(bite), answer=_answer(bite, unix_seconds))


def _after(bite: Bite) -> bool:
    return "after" in bite.options and bite.flag("after")


def _connection(bite: Bite) -> Mishap | None:
    if bite.fault == "late":
        seconds = bite.number("seconds")
        return Mishap(True, linger=seconds) if _after(bite) else Mishap(True, wait=seconds)
    if bite.fault == "silent":
        return Mishap(_after(bite), linger=bite.number("seconds"), ending=Ending.SILENCE)
    if bite.fault == "reset":
        return Mishap(_after(bite), ending=Ending.RESET)
    if bite.fault == "half-answer":
        return Mishap(True, ending=Ending.HALF)
    return None


def _answer(bite: Bite, unix_seconds: float) -> Raw:
    if bite.fault == "rate-limit":
        seconds = bite.whole("seconds")
        headers = {
            "x-ratelimit-limit": "120",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(math.ceil(unix_seconds + seconds)),
            "retry-after": str(seconds),
        }
        message = f"Rate limit exceeded, retry in {seconds} seconds."
        return Raw(429, _error(message, "RateLimitError"), headers=headers)
    if bite.fault == "error-page":
        return page(bite.whole("status"), bite.text("form"))
    if bite.fault == "error-json":
        return Raw(bite.whole("status"), _error(bite.text("message")))
    if bite.fault == "ban":
        return Raw(403, _error("Forbidden"))
    if bite.fault == "key-refused":
        status = bite.whole("status")
        return Raw(status, _error("Invalid API Key." if status == 401 else "This key is disabled."))
    return Raw(503, _error(MAINTENANCE if bite.fault == "maintenance" else OVERLOADED))


def page(status: int, form: str = "html") -> Raw:
    """Return what stands between a client and an exchange answers: html, empty or garbage."""
    if form == "empty":
        return Raw(status, b"", HTML_TYPE)
    if form == "garbage":
        return Raw(status, b'{"error": \xff\xfe', JSON_TYPE)
    return Raw(status, PAGE.format(status=status).encode(), HTML_TYPE)


def _error(message: str, name: str = "HTTPError") -> bytes:
    return to_json_bytes(error_body(message, name))


class AnswerFaults:
    """What faults make of successful answers to GET requests."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._last: dict[tuple[str, int | None], Json] = {}

    def alter(self, event: Event, answer: Answer, now_ms: int) -> Answer | Raw:
        """Return the answer as the client gets it; time is that of the exchange."""
        if event.method != "GET" or answer.status != 200:
            return answer
        key = (event.path, event.account)
        bite = self._faults.bite(event)
        last, self._last[key] = self._last.get(key, []), answer.body
        if bite is None:
            return answer
        body = answer.body
        if bite.fault == "odd-answer":
            text = odd(to_json(body), bite.text("field"), bite.text("value"))
            return Raw(200, text.encode())
        if bite.fault == "other-account" and isinstance(body, dict):
            body = {**body, "id": bite.whole("account")}
        elif bite.fault == "repeated-page":
            body = last
        elif isinstance(body, list):
            body = _rows(bite, body, now_ms)
        return Answer(200, body)


def _rows(bite: Bite, rows: list[Json], now_ms: int) -> list[Json]:
    if bite.fault == "empty-page":
        return []
    if bite.fault == "short-page":
        return rows[: bite.whole("rows")]
    youngest = now_ms - 1000 * bite.number("seconds")
    return [row for row in rows if not isinstance(row, dict) or _time(row) <= youngest]


def _time(row: Mapping[str, Json]) -> int:
    return parse(str(row.get("transactTime") or row.get("timestamp") or "1970-01-01"))


def odd(text: str, name: str, value: str) -> str:
    """Return a text with another value for the first number of a column, or of any."""
    pattern = _NUMBER.format(field=re.escape(name) if name else r"[A-Za-z0-9]+")
    start = max(0, text.find('"data":'))
    return text[:start] + re.sub(pattern, lambda m: m.group(1) + value, text[start:], count=1)


def request_event(method: str, path: str, account: int | None) -> Event:
    """Return a request as faults see it."""
    return Event(Place.REQUEST, account, method, path)


def answer_event(method: str, path: str, account: int | None) -> Event:
    """Return an answer as faults see it."""
    return Event(Place.ANSWER, account, method, path)
