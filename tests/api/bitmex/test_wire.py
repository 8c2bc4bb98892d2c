"""Exact JSON and the typed access to fields."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bitmex import wire
from common.errors import ProtocolError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", Decimal("0.00001")),
        ("79139.90000000001", Decimal("79139.90000000001")),
        ("0.00030000000000000003", Decimal("0.00030000000000000003")),
        ("-2.4e-05", Decimal("-0.000024")),
        ("58000000000000001", 58000000000000001),
    ],
)
def test_numbers_keep_the_text_of_the_wire(text: str, value: object) -> None:
    assert wire.decode_exact(f'{{"x":{text}}}') == {"x": value}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        '{"x":NaN}',
        '{"x":-Infinity}',
        "[" * 200_000,
        '{"x":' + "9" * 5000 + "}",
        b"\xff\xfe\x00",
        '{"x":1',
    ],
)
def test_what_is_not_sound_json_is_a_protocol_error(text: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.decode_exact(text)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text()
    | st.decimals(-(10**9), 10**9, places=8).map(lambda d: d + 0),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_encoding_and_decoding_is_the_identity(value: object) -> None:
    assert wire.decode_exact(wire.encode(value)) == value


@pytest.mark.parametrize("absent", [{}, {"x": None}, {"x": ""}])
def test_absent_null_and_empty_are_the_same(absent: dict[str, object]) -> None:
    assert wire.text_of(absent, "x") == ""
    assert wire.integer_of(absent, "x") is None
    assert wire.decimal_of(absent, "x") is None
    assert wire.time_of(absent, "x") is None


@pytest.mark.parametrize(
    "value", [True, "12", [1], 1.5, Decimal("0.5"), 10**18, Decimal("1e999999"), float("nan")]
)
def test_a_value_of_another_kind_is_no_whole_number(value: object) -> None:
    with pytest.raises(ProtocolError, match="orderQty"):
        wire.integer_of({"orderQty": value}, "orderQty")


@pytest.mark.parametrize("value", [998000, 998000.0, Decimal("998000.0")])
def test_a_whole_number_may_be_written_as_a_fraction(value: object) -> None:
    assert wire.integer_of({"x": value}, "x") == 998000


@pytest.mark.parametrize("value", [True, "1.5", float("inf"), 10**16, {}, Decimal("1e308")])
def test_a_value_of_another_kind_is_no_price(value: object) -> None:
    with pytest.raises(ProtocolError, match="price"):
        wire.decimal_of({"price": value}, "price")


def test_times_are_aware_and_keep_milliseconds() -> None:
    expected = datetime(2026, 5, 3, 5, 1, 40, 510000, timezone.utc)
    assert wire.parse_time("2026-05-03T05:01:40.510Z", "t") == expected
    assert wire.parse_time("2026-05-03T05:01:40.51Z", "t") == expected
    assert wire.format_time(expected) == "2026-05-03T05:01:40.510Z"


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01T00:00:00Z", 5, None, "2026-05-03"])
def test_what_is_no_time_is_named(value: object) -> None:
    with pytest.raises(ProtocolError, match="transactTime"):
        wire.parse_time(value, "transactTime")


def test_foreign_text_is_cut_and_escaped() -> None:
    assert wire.shown("a\nb\x1b[31m\u202e") == "a\\nb\\x1b[31m\\u202e"
    assert len(wire.shown("x" * 5000)) <= 203
