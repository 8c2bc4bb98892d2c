"""A type of wallet transactions that nobody knows blocks until a person has said what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.classify_command import run_classify
from common.engine.snapshot import Health
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import START
from tests.api.terminal.test_control import row, transfer
from tests.common.ledger.support import query
from tests.faults.scene import Scene

NAME = "StakingReward"


def test_an_unknown_type_of_the_wallet_blocks_with_its_remedy_until_it_is_classified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    books = SqliteSettings(tmp_path / "books.db")
    with Scene(tmp_path) as scene:
        scene.live()
        scene.run(20)
        before = row(scene, "USDt").control
        assert before is not None
        transfer(scene, "USDt", 777, NAME)
        scene.until(lambda: scene.health is Health.BLOCKED)
        assert f"unknown type '{NAME}' (1, together 0.000777 USDt)" in scene.reason
        assert f"main.py --classify {NAME} outside" in scene.reason
        assert not scene.market.may_trade("any")
        ((name, raw),) = query(books, "SELECT TYPE_NAME, RAW FROM wallet_rows")
        assert name == NAME
        assert '"amount":777' in str(raw)
    # The next start does not go LIVE first.
    with Scene(tmp_path, former=scene) as again:
        again.until(lambda: again.health in (Health.LIVE, Health.BLOCKED))
        assert "unknown type" in again.reason  # and not LIVE
        transfer(again, "USDt", 5, NAME)
        again.until(lambda: "(2, together 0.000782 USDt)" in again.reason)
        assert run_classify(books, NAME, "outside", START) == 0
        assert f"wallet transactions of the type {NAME} are money" in capsys.readouterr().out
        again.live()  # without a restart: the next look knows it
        assert row(again, "USDt").control == before + 782
        transfer(again, "USDt", 3, NAME)
        again.run(60)
        assert again.health is Health.LIVE
        assert (row(again, "USDt").control, row(again, "USDt").alarm) == (before + 785, False)


def test_what_is_said_of_a_type_counts_at_once_at_the_next_start(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill()
        transfer(scene, "USDt", -777, NAME)
        scene.until(lambda: scene.health is Health.BLOCKED)
    run_classify(SqliteSettings(tmp_path / "books.db"), NAME, "result", START)
    with Scene(tmp_path, former=scene) as again:
        again.live()
        # The books know of no such result: it must be found, to the unit.
        again.until(lambda: again.health is Health.BLOCKED)
        assert "result of trading in USDt" in again.reason
        assert "difference 0.000777 USDt" in again.reason
