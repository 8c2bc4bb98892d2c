"""Rows of unchanged sources are the same objects."""

from __future__ import annotations

from dataclasses import replace

from display.presenter import position_row
from display.row_cache import RowCache
from tests.display import support


def test_an_unchanged_source_keeps_its_row_object() -> None:
    cache = RowCache(position_row)
    sources = [support.position_row(number) for number in range(6)]
    first = cache.rows(tuple(sources))
    assert cache.rows(tuple(support.position_row(number) for number in range(6))) is first
    sources[1] = replace(sources[1], pnl=1)
    second = cache.rows(tuple(sources))
    assert second[1] is not first[1]
    assert [second[n] is first[n] for n in (0, 2, 3, 4, 5)] == [True] * 5


def test_a_shorter_list_drops_its_last_rows() -> None:
    cache = RowCache(position_row)
    sources = tuple(support.position_row(number) for number in range(6))
    assert len(cache.rows(sources)) == 6
    assert len(cache.rows(sources[:2])) == 2
