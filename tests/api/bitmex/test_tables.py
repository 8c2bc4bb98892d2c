"""The images of the realtime tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bitmex.tables import Table
from common.errors import ProtocolError

Row = dict[str, object]

ids = st.integers(1, 5)
columns = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.none() | st.integers(0, 9))
changes = st.lists(st.tuples(st.sampled_from(["insert", "update", "delete"]), ids, columns))


@given(st.dictionaries(ids, columns), changes)
def test_an_image_and_its_changes_give_the_final_image(
    start: dict[int, Row], steps: list[tuple[str, int, Row]]
) -> None:
    table = Table(["id"])
    table.replace(["id"], [{"id": key, **row} for key, row in start.items()], {})
    expected = {key: {"id": key, **row} for key, row in start.items()}
    for action, key, row in steps:
        change: Row = {"id": key, **row}
        if action == "insert":
            table.insert(change)
            expected[key] = change
        elif action == "update":
            assert (table.update(change) is None) == (key not in expected)
            if key in expected:
                expected[key] = {**expected[key], **change}
        else:
            assert (table.delete(change) is None) == (key not in expected)
            expected.pop(key, None)
    assert {row["id"]: dict(row) for row in table.rows()} == expected


def test_a_second_image_replaces_only_the_rows_of_its_filter() -> None:
    table = Table(["symbol", "id"])
    table.replace(["symbol", "id"], [{"symbol": "A", "id": 1}, {"symbol": "B", "id": 2}], {})
    gone = table.replace(["symbol", "id"], [{"symbol": "A", "id": 3}], {"symbol": "A"})
    assert [row["id"] for row in gone] == [1]
    assert sorted(str(row["id"]) for row in table.rows()) == ["2", "3"]


def test_other_keys_make_the_table_new() -> None:
    table = Table(["account", "symbol"])
    table.insert({"account": 1, "symbol": "A"})
    table.replace(["account", "symbol", "strategy"], [], {})
    assert len(table) == 0


def test_a_table_without_keys_keeps_nothing_and_matches_nothing() -> None:
    table = Table([])
    table.insert({"x": 1})
    assert len(table) == 0
    assert table.update({"x": 1}) is None
    assert table.delete({"x": 1}) is None


def test_a_key_that_is_no_value_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="orderID"):
        Table(["orderID"]).insert({"orderID": ["x"]})
