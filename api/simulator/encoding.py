"""JSON and times as they stand on the wire."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal

import orjson

from api.simulator.ports import Json


def iso(moment: datetime) -> str:
    """Return an aware moment as ISO 8601 in UTC with milliseconds and Z."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def to_json_bytes(value: Json) -> bytes:
    """Return compact JSON; Decimals become numbers, moments become text."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except orjson.JSONEncodeError:
        # Integers of more than 64 bits, which the state file must keep whole.
        return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":")).encode()


def to_json(value: Json) -> str:
    """Return compact JSON as text."""
    return to_json_bytes(value).decode()


def from_json(text: str | bytes) -> Json:
    """Read JSON exactly: numbers with a fraction become Decimal; raises ValueError."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)


def _plain(value: object) -> Json:
    if isinstance(value, Decimal):
        # The shortest text of the nearest double, which is what JSON numbers mean to every client.
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
