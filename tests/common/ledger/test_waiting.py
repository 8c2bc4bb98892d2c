"""Executions that could not be booked wait: in quarantine, or journaled with an unknown kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.classify_command import run_classify
from common.domain.executions import ExecutionKind
from common.errors import ConfigurationError
from common.ledger.database import DatabaseSettings
from tests.common.ledger.account import busy
from tests.common.ledger.support import START, coin_rows, query, running, trade

STRANGE = replace(trade(1, 100), kind=ExecutionKind.UNKNOWN, exec_type="Novation")
BAD = replace(trade(2, 100), side=None)


def left(settings: DatabaseSettings) -> list[tuple[object, ...]]:
    return list(query(settings, "SELECT EXECID, OUTCOME FROM quarantine_left"))


def test_what_fits_at_last_is_booked_once_and_the_quarantine_keeps_its_history(
    settings: DatabaseSettings,
) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(BAD)
        (waiting,) = ledger.open().waiting
        assert (waiting.exec_id, waiting.raw, waiting.kind) == (BAD.exec_id, BAD.raw, None)
        booked = ledger.book(trade(2, 100))
        assert (len(booked.entries), booked.problems) == (1, ())
        assert ledger.book(trade(2, 100)).known == 1
        assert ledger.open().waiting == ()
    assert left(settings) == [(BAD.exec_id, "booked")]
    assert query(settings, "SELECT COUNT(*) FROM quarantine") == [(0,)]
    assert len(coin_rows(settings)) == 1


def test_an_execution_whose_kind_a_later_program_knows_is_booked_once(
    settings: DatabaseSettings,
) -> None:
    with running(settings) as ledger:
        ledger.open()
        assert ledger.book(STRANGE).problems
        booked = ledger.book(trade(1, 100))
        assert (len(booked.entries), booked.problems) == (1, ())
        again = ledger.book(trade(1, 100), STRANGE)
        assert (again.known, again.problems) == (1, ())
        books = ledger.open()
        assert (books.waiting, books.holes) == ((), ())
    assert query(settings, "SELECT KIND, ROW_COUNT FROM executions") == [("Trade", 1)]


@pytest.mark.parametrize("kind", ["trade", "funding", "settlement"])
def test_what_a_person_says_of_an_unknown_kind_is_told_at_the_next_start(
    settings: DatabaseSettings, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(STRANGE)
    assert run_classify(settings, STRANGE.exec_id, kind, START) == 0
    assert f"execution {STRANGE.exec_id} is a {kind}; it is booked when" in capsys.readouterr().out
    with running(settings) as ledger:
        (waiting,) = ledger.open().waiting
        assert waiting.kind is ExecutionKind(kind.title())
        ledger.book(trade(1, 100))
        assert ledger.open().waiting == ()


def test_what_concerns_nobody_is_not_booked_when_it_comes_again(
    settings: DatabaseSettings,
) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(STRANGE, BAD)
    for exec_id in (STRANGE.exec_id, BAD.exec_id):
        run_classify(settings, exec_id, "nothing", START)
    with running(settings) as ledger:
        assert ledger.open().waiting == ()
        again = ledger.book(STRANGE, BAD)
        assert (again.entries, again.problems, again.known) == ((), (), 2)
    assert coin_rows(settings) == []
    assert left(settings) == [(BAD.exec_id, "dismissed")]


def test_an_execution_without_an_id_is_named_by_what_dismisses_it(
    settings: DatabaseSettings,
) -> None:
    nameless = replace(BAD, exec_id="")
    with running(settings) as ledger:
        ledger.open()
        (problem,) = ledger.book(nameless).problems
        (waiting,) = ledger.open().waiting
    assert problem.endswith(f"--classify {waiting.exec_id} nothing")
    run_classify(settings, waiting.exec_id, "nothing", START)
    with running(settings) as ledger:
        assert ledger.open().waiting == ()
        assert ledger.book(nameless).problems == ()
    assert coin_rows(settings) == []


def test_what_is_no_decision_is_refused_in_words(settings: DatabaseSettings) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.book(trade(1, 1), BAD)
    for exec_id, kind, words in (
        ("exec-000001", "trade", "waits for a decision"),
        ("exec-000009", "nothing", "waits for a decision"),
        (BAD.exec_id, "trade", "only `nothing`"),
        (BAD.exec_id, "gift", "'gift' is none of trade, funding, settlement, nothing"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            run_classify(settings, exec_id, kind, START)


@pytest.mark.parametrize("said", [ExecutionKind.TRADE, ExecutionKind.REPORT])
def test_what_a_person_has_said_of_an_unknown_kind_is_no_difference(said: ExecutionKind) -> None:
    account = busy()
    fill = replace(account.executions[0], exec_id="strange", kind=ExecutionKind.UNKNOWN)
    books = account.books()
    row = replace(books.journal[0], exec_id="strange", kind=said, row_count=0)
    truth = account.truth()
    truth = replace(truth, executions=(*truth.executions, fill))
    assert account.check(truth, replace(books, journal=(*books.journal, row))) == ()
    (missing,) = account.check(truth)
    assert "strange" in missing.text
