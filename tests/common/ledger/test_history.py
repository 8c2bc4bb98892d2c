from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.domain.executions import Executed
from common.engine.requests import FetchHistory, HistoryPage
from common.ledger.history import BEGINNING, OVERLAP, CatchUp
from tests.common.ledger.support import START, trade

NOW = START + timedelta(days=300)


class Exchange:
    """Rows filtered by the time they were written and sorted by the time they happened."""

    def __init__(self, rows: Sequence[Executed], page: int) -> None:
        self.rows = list(rows)
        self.page = page
        self.requests = 0

    def answer(self, request: FetchHistory) -> HistoryPage:
        self.requests += 1
        rows = sorted((r for r in self.rows if r.written_at >= request.since), key=lambda r: r.at)[
            request.offset : request.offset + self.page
        ]
        return HistoryPage(tuple(rows), len(rows), full=len(rows) == self.page)


def walk(exchange: Exchange, pages: CatchUp, limit: int = 500) -> list[Executed]:
    taken: list[Executed] = []
    for _ in range(limit):
        request = pages.next_request()
        if request is None:
            return taken
        taken += pages.take(exchange.answer(request))
    raise AssertionError("the walk does not end")


def test_p16_more_rows_of_one_moment_than_fill_a_page_are_all_taken() -> None:
    rows = [trade(n, 1, seconds=5) for n in range(1301)]
    taken = walk(Exchange(rows, 500), CatchUp(START, None, NOW))
    assert sorted(r.exec_id for r in taken) == sorted(r.exec_id for r in rows)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=60), st.integers(1, 9))
def test_every_row_is_taken_whatever_the_page_and_however_late_it_was_written(
    times: list[tuple[int, int]], page: int
) -> None:
    rows = []
    for number, (happened, late) in enumerate(times):
        row = trade(number, 1, seconds=happened)
        rows.append(replace(row, written_at=row.at + timedelta(seconds=late)))
    taken = walk(Exchange(rows, page), CatchUp(START, None, NOW))
    assert {r.exec_id for r in taken} == {r.exec_id for r in rows}


def test_the_walk_starts_an_overlap_before_the_earlier_of_date_and_cursor() -> None:
    later = START + timedelta(days=1)
    assert CatchUp(START, later, NOW).since == START - OVERLAP
    assert CatchUp(later, START, NOW).since == START - OVERLAP
    assert CatchUp(None, later, NOW).since == later - OVERLAP


def test_a_date_in_the_future_counts_as_now_and_no_date_as_the_beginning() -> None:
    assert CatchUp(NOW + timedelta(days=9), None, NOW).since == NOW - OVERLAP
    assert CatchUp(None, None, NOW).since == BEGINNING


def test_the_end_is_believed_when_seen_twice() -> None:
    exchange = Exchange([trade(1, 1)], 500)
    pages = CatchUp(START, None, NOW)
    request = pages.next_request()
    assert request is not None
    pages.take(HistoryPage((), 0, full=False))  # a hiccup
    assert [r.exec_id for r in walk(exchange, pages)] == ["exec-000001"]
    assert exchange.requests == 2


def test_after_a_walk_without_rows_the_next_one_starts_where_this_one_did() -> None:
    pages = CatchUp(START, None, NOW)
    walk(Exchange([], 500), pages)
    assert pages.cursor == START


def test_rows_that_cannot_be_decoded_do_not_stop_the_walk() -> None:
    pages = CatchUp(START, None, NOW)
    pages.take(HistoryPage((), 500, full=True))
    assert pages.next_request() == FetchHistory(START - OVERLAP, 500)


def test_progress_tells_how_many_and_up_to_when() -> None:
    pages = CatchUp(START, None, NOW)
    walk(Exchange([trade(n, 1) for n in range(1200)], 500), pages)
    assert pages.progress == "trade history: 1,200 executions up to 2026-10-01 12:19:59"
    assert pages.cursor == START + timedelta(seconds=1199)
