"""Bots that are created, changed and deleted in the tables, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from common.domain.bot_form import BotForm
from common.domain.bots import OnStop
from common.domain.robots import Robot, Status
from common.engine.bot_items import BotDeleted, BotSaved
from common.ledger.database import DatabaseSettings
from tests.common.ledger.support import (
    MARKET,
    XBTUSD,
    Bench,
    add_bots,
    coin_rows,
    query,
    run,
    running,
    trade,
)

FORM = BotForm("mine", XBTUSD, 60, 3, "trend:Trend", (("period", "30"), ("note", 'a "b" \u00e4')))


def save(bench: Bench, form: BotForm, *, new: bool = True) -> BotSaved:
    """Have a bot written and return what came of it."""
    before = len(bench.inbox.of(BotSaved))
    bench.writer.save_bot(MARKET, form, new, 7)
    return bench.inbox.wait(BotSaved, before + 1)[-1]


def robots(settings: DatabaseSettings) -> dict[str, Robot]:
    """Return the bots of a fresh start."""
    with running(settings) as bench:
        return {robot.emi: robot for robot in bench.open().robots}


def test_a_new_bot_comes_back_whole_and_off_after_a_restart(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        saved = save(bench, replace(FORM, on_stop=OnStop.CANCEL))
    assert (saved.problem, saved.event) == ("", 7)
    with running(settings) as bench:
        books = bench.open()
    (robot,) = books.robots
    assert (robot.emi, robot.symbol, robot.timeframe, robot.capital) == ("mine", XBTUSD, 60, 3)
    assert (robot.strategy, robot.parameters) == (FORM.strategy, FORM.parameters)
    assert (robot.status, robot.sort) == (Status.OFF, 1)
    assert books.policies == {"mine": OnStop.CANCEL}


def test_the_fills_of_a_new_bot_are_its_own_at_once(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        bench.book(trade(1, 100, cl_ord_id="1.mine"))
        save(bench, FORM)
        bench.book(trade(2, 100, cl_ord_id="2.mine"))
    assert [row[1] for row in coin_rows(settings)] == ["XBTUSD.inverse", "mine"]


def test_a_change_is_written_whole_and_keeps_the_status(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        save(bench, FORM)
        bench.writer.save_status(MARKET, "mine", True)
        changed = replace(FORM, timeframe=5, capital=9, strategy="", parameters=())
        assert save(bench, changed, new=False).problem == ""
    robot = robots(settings)["mine"]
    assert (robot.timeframe, robot.capital, robot.strategy, robot.parameters) == (5, 9, "", ())
    assert (robot.status, robot.sort) == (Status.WORK, 1)


def test_a_row_written_by_hand_is_changed_too(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
    add_bots(settings, "byHand")
    with running(settings) as bench:
        bench.open()
        assert save(bench, replace(FORM, emi="byHand"), new=False).problem == ""
    assert robots(settings)["byHand"].strategy == "trend:Trend"


def test_a_name_that_differs_only_by_case_is_taken(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        save(bench, FORM)
        refused = save(bench, replace(FORM, emi="MINE"))
    assert refused.robot is None
    assert "has a bot named 'mine' already" in refused.problem
    assert list(robots(settings)) == ["mine"]


def test_a_bot_whose_row_is_gone_is_not_changed(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        refused = save(bench, FORM, new=False)
    assert "has no row in the table robots any more" in refused.problem
    assert query(settings, "SELECT * FROM robot_settings") == []


def test_a_deleted_bot_leaves_only_its_rows_in_the_books(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        save(bench, FORM)
        bench.book(trade(1, 100, cl_ord_id="1.mine"), trade(2, -100, cl_ord_id="2.mine"))
        bench.writer.delete_bot(MARKET, "mine", 8)
        assert bench.inbox.wait(BotDeleted) == [BotDeleted(MARKET, "mine", 8)]
        bench.book(trade(3, 100, cl_ord_id="3.mine"))
    for table in ("robots", "robot_settings", "robot_policy", "robot_status"):
        assert query(settings, f"SELECT * FROM {table}") == []
    assert [row[1] for row in coin_rows(settings)] == ["mine", "mine", "XBTUSD.inverse"]


@pytest.mark.parametrize("text", ["{", "[1]", '{"period": 3}', "null"])
def test_parameters_that_cannot_be_read_put_their_bot_alone_into_error(
    settings: DatabaseSettings, text: str
) -> None:
    with running(settings) as bench:
        bench.open()
        save(bench, FORM)
        save(bench, replace(FORM, emi="other"))
    run(settings, f"UPDATE robot_settings SET PARAMETERS = '{text}' WHERE EMI = 'mine'")
    found = robots(settings)
    assert found["mine"].status is Status.ERROR
    assert "PARAMETERS in the table robot_settings" in found["mine"].problem
    assert found["other"].status is Status.OFF


def test_parameters_are_kept_as_json_that_people_can_read(settings: DatabaseSettings) -> None:
    with running(settings) as bench:
        bench.open()
        save(bench, FORM)
    ((text,),) = query(settings, "SELECT PARAMETERS FROM robot_settings")
    assert json.loads(str(text)) == {"period": "30", "note": 'a "b" \u00e4'}
