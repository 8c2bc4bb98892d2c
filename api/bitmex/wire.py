"""Exact reading and writing of JSON, and typed access to the fields of a row.

Numbers with a fraction become Decimal from their own text, never float. A field that is absent,
null or "" counts as absent: the exchange uses all three for "no value". Knows no field's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from json.encoder import encode_basestring
from typing import cast

from common.errors import ProtocolError

Row = Mapping[str, object]

UNIT_LIMIT = 10**18  # no count or money of a row reaches this; the exchange's integers are int64
PRICE_LIMIT = Decimal(10**15)
_PLAIN = 20  # powers of ten up to which a number is written without an exponent
_USUAL_TIME = len("2026-05-03T05:01:40.510Z")
_SHOWN = 200  # characters of foreign text in an error or a log line
DEPTH_LIMIT = 64  # lists and objects within each other; rows are flat
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[\]{}]")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?$")


def decode_exact(text: str | bytes) -> object:
    """Parse JSON with fractions as Decimal; ProtocolError for anything that is not JSON."""
    try:
        text = (text if isinstance(text, str) else text.decode()).strip()
        check_depth(text)
        value, end = DECODER.raw_decode(text)
        if end != len(text):
            raise ValueError("more than one value")
        return cast("object", value)
    except (ValueError, RecursionError) as error:  # also UnicodeDecodeError and endless integers
        raise ProtocolError(f"not JSON: {shown(text)}") from error


def check_depth(text: str) -> None:
    """Raise ValueError where lists and objects lie deeper within each other than any row's."""
    if text.count("[") + text.count("{") <= DEPTH_LIMIT:
        return
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEPTH_LIMIT:
            raise ValueError("nested too deeply")


def decode_rows(text: str | bytes) -> list[Row]:
    """Parse a JSON array of objects exactly."""
    return as_rows(decode_exact(text))


def as_rows(value: object) -> list[Row]:
    """Return `value` as a list of rows, or raise ProtocolError."""
    if not isinstance(value, list):
        raise ProtocolError(f"a list of rows was expected: {shown(repr(value))}")
    for row in value:
        if not isinstance(row, dict):
            raise ProtocolError(f"a list of rows was expected: {shown(repr(value))}")
    return value


def as_object(value: object) -> Row:
    """Return `value` as one row, or raise ProtocolError."""
    if not isinstance(value, dict):
        raise ProtocolError("an object was expected")
    return value


def encode(value: object) -> str:
    """Return `value` as JSON text; Decimal is written as the number it is."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, int):
        return str(value) if not isinstance(value, bool) else json.dumps(value)
    if isinstance(value, Decimal):
        return format(value, "f") if -_PLAIN < value.adjusted() < _PLAIN else str(value)
    if isinstance(value, Mapping):
        fields = [f"{encode_basestring(name)}:{encode(item)}" for name, item in value.items()]
        return "{" + ",".join(fields) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(encode(item) for item in value) + "]"
    return json.dumps(value)


def shown(text: str | bytes) -> str:
    """Return the beginning of foreign text, safe for a log or the screen."""
    if isinstance(text, bytes):
        text = text[: 4 * _SHOWN].decode("utf-8", "backslashreplace")
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= _SHOWN else safe[:_SHOWN] + "..."


def text_of(row: Row, name: str) -> str:
    """Return a text field, "" when it is absent."""
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProtocolError(f"{name} is not text: {shown(repr(value))}")
    return value


def required_text(row: Row, name: str) -> str:
    """Return a text field; ProtocolError when it is absent."""
    value = text_of(row, name)
    if not value:
        raise ProtocolError(f"{name} is missing")
    return value


def integer_of(row: Row, name: str) -> int | None:
    """Return a whole number (also one written as 100.0), None when it is absent."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if type(value) is not int and not isinstance(value, (float, Decimal)):
        raise ProtocolError(f"{name} is not a whole number: {shown(repr(value))}")
    if not -UNIT_LIMIT < value < UNIT_LIMIT:
        raise ProtocolError(f"{name} is out of range: {shown(repr(value))}")
    if isinstance(value, int):
        return value
    if value != int(value):
        raise ProtocolError(f"{name} is not a whole number: {shown(repr(value))}")
    return int(value)


def required_integer(row: Row, name: str) -> int:
    """Return a whole number; ProtocolError when it is absent."""
    value = integer_of(row, name)
    if value is None:
        raise ProtocolError(f"{name} is missing")
    return value


def decimal_of(row: Row, name: str) -> Decimal | None:
    """Return a number as Decimal, None when it is absent.

    A float of the public stream is taken by its shortest text, which is what was on the wire.
    """
    value = row.get(name)
    if value is None or value == "":
        return None
    if type(value) is float:
        number: Decimal | None = Decimal(repr(value))
    else:
        number = value if type(value) is Decimal else as_decimal(value)
    if number is None or not -PRICE_LIMIT < number < PRICE_LIMIT:
        raise ProtocolError(f"{name} is not a number in range: {shown(repr(value))}")
    return number


def as_decimal(value: object) -> Decimal | None:
    """Return a JSON number as a finite Decimal, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None


def time_of(row: Row, name: str) -> datetime | None:
    """Return a time as aware UTC, None when it is absent."""
    value = row.get(name)
    if value is None or value == "":
        return None
    return parse_time(value, name)


def required_time(row: Row, name: str) -> datetime:
    """Return a time as aware UTC; ProtocolError when it is absent."""
    value = time_of(row, name)
    if value is None:
        raise ProtocolError(f"{name} is missing")
    return value


def parse_time(value: object, name: str) -> datetime:
    """Read `2026-05-03T05:01:40.510Z`; `name` is the field that an error names."""
    if isinstance(value, str) and len(value) == _USUAL_TIME and value[-1] == "Z":
        try:  # a with-statement would cost as much as the parsing
            return datetime.fromisoformat(value[:-1] + "+00:00")
        except ValueError as error:
            raise ProtocolError(f"{name} is not a time: {shown(repr(value))}") from error
    match = _TIME.match(value) if isinstance(value, str) else None
    if match is None:
        raise ProtocolError(f"{name} is not a time: {shown(repr(value))}")
    date, clock, fraction = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}+00:00")
    except ValueError as error:
        raise ProtocolError(f"{name} is not a time: {shown(repr(value))}") from error
    return moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]))


def format_time(moment: datetime) -> str:
    """Return an aware time as the exchange writes it, in milliseconds rounded down."""
    utc = moment.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _refuse_constant(text: str) -> object:
    raise ValueError(f"{text} is not a JSON number")


DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)
