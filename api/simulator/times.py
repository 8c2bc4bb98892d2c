"""Times of the exchange: milliseconds since the epoch inside, ISO 8601 text on the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)
_YEAR_10000 = 253_402_300_800_000
_TIMESPAN_ORIGIN = 946_684_800_000  # the year 2000


def milliseconds(moment: datetime) -> int:
    """Return an aware time as ms since the epoch."""
    return (moment - EPOCH) // _MILLISECOND


def moment(time: int) -> datetime:
    """Return ms since the epoch as an aware UTC time."""
    return EPOCH + time * _MILLISECOND


def iso(time: int) -> str:
    """Return ms since the epoch as the exchange writes it: 2026-05-03T05:01:40.510Z."""
    second, rest = divmod(time, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return moment(second * 1000).isoformat()[:19]  # four times as fast as a format


def parse(text: str) -> int:
    """Return ms since the epoch for ISO 8601 text, a date, or a number of ms.

    Text without an offset is UTC. Raises ValueError.
    """
    text = text.strip()
    if text.isdigit() and len(text) > 8:
        if int(text) >= _YEAR_10000:
            raise ValueError("a time lies before the year 10000")
        return int(text)
    if text[-1:] in "zZ" and text:
        text = text[:-1] + "+00:00"
    parsed = datetime.fromisoformat(_full_fraction(text))
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=timezone.utc)
    return milliseconds(parsed)


def _full_fraction(text: str) -> str:
    # Before Python 3.11 a fraction needs three or six digits.
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6]:0<6}{tail[digits:]}"


def timespan(hours: int) -> str:
    """Return a duration as the exchange writes it: the offset from the year 2000."""
    return iso(_TIMESPAN_ORIGIN + hours * 3_600_000)
