"""What an HTTP answer of the exchange means: its JSON, or the exception to raise; pure.

An order counts as refused only where the exchange itself says so in its own JSON. Everything else
that happens after a request has left (a page of HTML, a broken connection, a server error) leaves
its outcome unknown. Source: BitMEX API documentation, "Error Codes" and "Overload".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus

from api.bitmex.closure import explain, host_of, is_closed
from api.bitmex.wire import decode_exact, shown
from common.errors import (
    AuthenticationFailed,
    ClockSkew,
    DuplicateNumber,
    ExchangeUnavailable,
    InsufficientBalance,
    KeyRefused,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    Overloaded,
    ProtocolError,
    RateLimited,
    TmaticError,
)


class Purpose(Enum):
    """What a request is for, which decides what a failure means."""

    READ = "read"  # may be repeated
    ORDER = "order"  # POST and PUT: never sent twice
    CANCEL = "cancel"  # may be repeated


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as it was received."""

    url: str  # without the query
    status: int
    headers: Mapping[str, str]  # keys of any case in a case-insensitive mapping
    body: bytes


_EXPIRED = re.compile(r"expired.*Current time: (\d{9,12})", re.DOTALL)
_GONE = ("Invalid ordStatus", "Invalid orderID", "Invalid origClOrdID", "Not Found")
_SECONDS = re.compile(r"retry in (\d+) second")
LONGEST_RESET = 60.0  # seconds; a whole bucket refills in a minute
DEFAULT_RETRY = 2.0  # seconds; where a 429 does not say


def read(answer: Answer, purpose: Purpose) -> object:
    """Return the decoded JSON of an accepted request, or raise what its refusal means."""
    if answer.status == HTTPStatus.OK:
        return _decode(answer, purpose)
    raise refusal(answer, purpose)


def expired_at(answer: Answer) -> int | None:
    """Return the exchange's UNIX seconds when it refused a signature for being too old."""
    match = _EXPIRED.search(answer.body[:1000].decode("utf-8", "replace"))
    return int(match.group(1)) if match and answer.status in (400, 401) else None


def refusal(answer: Answer, purpose: Purpose) -> TmaticError:
    """Return the exception for an answer whose status is not 200."""
    said = _message(answer)
    if said is None:
        return _without_json(answer, purpose)
    if purpose is Purpose.ORDER:
        return _order_refusal(answer, *said)
    return _passing(answer, said[0]) or _repeatable_refusal(answer, purpose, *said)


def retry_after(answer: Answer) -> float:
    """Return the seconds to wait that a 429 asks for."""
    told = answer.headers.get("retry-after", "")
    if told.isascii() and told.isdigit():
        return float(told)
    match = _SECONDS.search(answer.body[:1000].decode("utf-8", "replace"))
    return float(match.group(1)) if match else _until_reset(answer.headers) or DEFAULT_RETRY


def _until_reset(headers: Mapping[str, str]) -> float:
    """Return the seconds until the limit is whole again, by the exchange's own clock; 0: not told.

    Source: BitMEX API documentation, "Request Rate Limits": UNIX seconds.
    """
    reset = headers.get("x-ratelimit-reset", "")
    if not (reset.isascii() and reset.isdigit()):
        return 0.0
    try:
        told = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        return 0.0
    return min(max(0.0, float(reset) - told), LONGEST_RESET)


def _passing(answer: Answer, text: str) -> TmaticError | None:
    """Return the exception of a trouble that passes by itself, None for any other."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(text, retry_after(answer))
    if expired_at(answer) is not None:
        return ClockSkew(f"the clocks differ: {text}", 0.0)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ExchangeUnavailable(explain(answer.url, text))
    return None


def _repeatable_refusal(answer: Answer, purpose: Purpose, text: str, details: str) -> TmaticError:
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return AuthenticationFailed(f"key refused: {text}")
    if purpose is Purpose.CANCEL:
        return _order_refusal(answer, text, details)
    if answer.status == HTTPStatus.NOT_FOUND:
        return ExchangeUnavailable(explain(answer.url, f"404 {text}"))
    return ProtocolError(f"{answer.status} {text}")


def _order_refusal(answer: Answer, text: str, details: str) -> TmaticError:
    if not HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        overloaded = answer.status == HTTPStatus.SERVICE_UNAVAILABLE and "overloaded" in text
        return Overloaded(text) if overloaded else OutcomeUnknown(f"{answer.status} {text}")
    if "insufficient Available Balance" in text or details == "19000":
        return InsufficientBalance(text)
    if text.startswith("Duplicate clOrdID"):
        # No order is sent twice, so one with this id exists: asked about, not given up.
        return DuplicateNumber(text)
    if text.startswith(_GONE):
        return OrderNotFound(text)
    refused_key = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    return KeyRefused(f"key refused: {text}") if refused_key else OrderRefused(text)


def _without_json(answer: Answer, purpose: Purpose) -> TmaticError:
    reason = f"{answer.status} {_phrase(answer.status)}".strip()
    if answer.body:
        reason += ", a page instead of an answer"
    if purpose is Purpose.ORDER:
        return OutcomeUnknown(explain(answer.url, reason))
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(explain(answer.url, reason), retry_after(answer))
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        text = explain(answer.url, f"access denied, {reason}")
        # A closed exchange refuses no key: it is simply not there.
        closed = is_closed(host_of(answer.url))
        return ExchangeUnavailable(text) if closed else AuthenticationFailed(text)
    return ExchangeUnavailable(explain(answer.url, reason))


def _decode(answer: Answer, purpose: Purpose) -> object:
    try:
        return decode_exact(answer.body)
    except ProtocolError as error:
        text = explain(answer.url, f"something else than the exchange answers ({error})")
        if purpose is Purpose.ORDER:
            raise OutcomeUnknown(text) from error
        raise ExchangeUnavailable(text) from error


def _message(answer: Answer) -> tuple[str, str] | None:
    """Return (message, details) of the exchange's own error body, None for any other body."""
    try:
        value = decode_exact(answer.body)
    except ProtocolError:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    return shown(error["message"]), str(error.get("details") or "")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
