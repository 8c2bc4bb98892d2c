"""Texts of strangers come back from MariaDB as they were, however rows are sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from common.domain.executions import Network
from common.ledger.connecting import open_database
from common.ledger.database import Database, DataRefused, Parameter
from tests.common.ledger.conftest import mysql_settings
from tests.common.ledger.support import coin_rows, query, run, running, trade
from tests.support.database import MariaDB

SHARP = st.sampled_from(list("'\"\\`%;-#\n\r\t\x00\x1a\x7f\u2028é€😀 aN?"))
texts = st.lists(
    st.one_of(st.text(SHARP, max_size=12), st.text(max_size=8), st.none()), min_size=1, max_size=8
)


@pytest.fixture(scope="module")
def database(mariadb: MariaDB) -> Iterator[Database]:
    opened = open_database(mysql_settings(mariadb, mariadb.create_database()))
    opened.execute("CREATE TABLE t (n BIGINT, text LONGTEXT) DEFAULT CHARSET=utf8mb4")
    yield opened
    opened.close()


@rules(max_examples=200, deadline=None)
@given(texts)
def test_l19_any_text_is_stored_as_it_is(database: Database, texts: list[str | None]) -> None:
    sent = [
        None if text is None else text.encode("utf-8", "replace").decode("utf-8") for text in texts
    ]
    rows: list[tuple[Parameter, ...]] = list(enumerate(sent))
    database.begin()
    database.execute_many("INSERT INTO t (n, text) VALUES (?, ?)", rows)
    assert database.query("SELECT n, text FROM t ORDER BY n") == rows
    database.rollback()


@pytest.mark.parametrize("text", ["None", "True of <it>", "<Category.SPOT: 'spot'>", "False", None])
def test_texts_that_python_spells_as_values_stay_texts(
    database: Database, text: str | None
) -> None:
    rows: list[tuple[Parameter, ...]] = [(1, text), (2, Network.REAL), (3, Network.DEMO)]
    database.begin()
    database.execute_many("INSERT INTO t (n, text) VALUES (?, ?)", rows)
    assert database.query("SELECT n, text FROM t ORDER BY n") == [
        (1, text),
        (2, "REAL"),
        (3, "DEMO"),
    ]
    database.rollback()


def test_many_rows_take_several_statements(database: Database) -> None:
    rows: list[tuple[Parameter, ...]] = [(number, "x" * 50_000) for number in range(60)]
    database.begin()
    database.execute_many("INSERT INTO t (n, text) VALUES (?, ?)", rows)
    assert database.query("SELECT COUNT(*), SUM(LENGTH(text)) FROM t") == [(60, 3_000_000)]
    database.rollback()


@pytest.mark.parametrize("end", ["commit", "query"])
def test_what_a_statement_running_behind_raises_is_raised_by_the_next_call(
    database: Database, end: str
) -> None:
    rows: list[tuple[Parameter, ...]] = [(2**63 - 3 + n, "x" * 20_000) for n in range(9)]
    database.begin()
    database.execute_many("INSERT INTO t (n, text) VALUES (?, ?)", rows)
    with pytest.raises(DataRefused, match="Out of range"):
        database.commit() if end == "commit" else database.query("SELECT 1")
    database.rollback()
    assert database.query("SELECT COUNT(*) FROM t") == [(0,)]


def test_a_refused_row_of_a_large_page_is_found_among_the_others(mariadb: MariaDB) -> None:
    settings = mysql_settings(mariadb, mariadb.create_database())
    rows = [trade(number, 1) for number in range(1, 1006)]
    with running(settings) as ledger:
        ledger.open()
        # A column that is narrower than this program made it: only the database refuses.
        run(settings, "ALTER TABLE executions MODIFY ORDERID VARCHAR(9)")
        booked = ledger.book(*rows)
    fitting = [row for row in rows if len(row.order_id) <= 9]
    assert 0 < len(fitting) < len(rows)
    assert len(coin_rows(settings)) == len(fitting)
    assert len(booked.problems) == len(rows) - len(fitting)
    assert query(settings, "SELECT COUNT(*) FROM quarantine") == [(len(booked.problems),)]
