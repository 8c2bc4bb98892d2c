"""A date in history.ini brings back what lies after it; what lies before is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from common.engine.snapshot import Health, Level
from common.headless import StopSignals
from common.ledger.database import time_text
from common.verify_command import run_verify
from tests.api.simulator.venues import START
from tests.faults.scene import Scene, after_one_fill

APART = timedelta(minutes=40)  # more than what is read again by itself


def coins(scene: Scene) -> list[tuple[Any, ...]]:
    return scene.sql(
        "SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins ORDER BY TTIME, EXECID"
    )


def started(former: Scene, folder: Path, since: datetime) -> Scene:
    """Return a terminal whose history.ini says a date."""
    scene = Scene(folder, former=former)
    scene.market.bring_up._first_date = lambda _: since
    return scene


def test_only_what_lies_after_the_date_comes_back_and_older_holes_are_told(tmp_path: Path) -> None:
    scene = after_one_fill(tmp_path)
    scene.sleep(APART.total_seconds())
    with Scene(tmp_path, former=scene) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
    before = coins(scene)
    assert len(before) == 3  # between the fills funding was paid
    scene.sleep(APART.total_seconds())
    scene.sql("DELETE FROM coins")
    with started(scene, tmp_path, START + APART / 2) as scene:
        scene.until(lambda: scene.market.completed > 0)
        assert coins(scene) == before[1:]
        (told,) = scene.told("lack rows in the table coins")
        assert told.startswith("1 executions from 2026-11-23 03:30")
    with started(scene, tmp_path, START) as scene:
        scene.agrees()
        assert coins(scene) == before
        scene.run(10)  # the verification looks too
        assert scene.told("lack rows") == []


def test_a_hole_in_the_range_that_the_exchange_does_not_fill_is_told_and_stays_among_the_problems(
    tmp_path: Path,
) -> None:
    scene = after_one_fill(tmp_path)
    unknown_to_the_exchange(scene, START - timedelta(days=3))
    with started(scene, tmp_path, START - timedelta(days=5)) as scene:
        scene.live()
        assert scene.market.verifier.status.finished == 0
        scene.until(lambda: scene.market.verifier.status.finished)
        assert scene.health is Health.LIVE
        ((told,), (problem,)) = (scene.told("lack rows"), scene.problems())
        assert told.startswith("1 executions from 2026-11-20 03:30")
        assert "--import" in told
        assert problem.level is Level.WARNING
        assert "1 executions from 2026-11-20 03:30" in problem.cause
        scene.run(700)
        assert scene.market.verifier.status.finished == 3  # no more often than else
        assert len(scene.told("lack rows")) == 1
        scene.market.verifier.asked()
        scene.until(lambda: scene.told("0 differences (warnings: 1)"))
        # A fresh difference beside it is found within seconds all the same.
        scene.sql("DELETE FROM coins")
        scene.market.verifier.asked()
        scene.until(lambda: scene.health is Health.BLOCKED)


def test_the_comparison_of_everything_names_the_execution_that_lacks_rows(tmp_path: Path) -> None:
    scene = after_one_fill(tmp_path)
    unknown_to_the_exchange(scene, START - timedelta(days=3))
    with started(scene, tmp_path, START - timedelta(days=5)) as scene:
        scene.market.verifier._whole = True  # as --verify has it
        lines: list[str] = []
        signals = StopSignals()
        code = run_verify(
            lambda: scene.engine.snapshot,
            signals,
            lines.append,
            sleep=scene.run,
            monotonic=lambda: scene.now,
        )
    assert (code, lines[-1]) == (1, "BOOKS DIFFER: 2 differences")
    assert "execution gone of XBTUSDT.linear has 0 rows in coins, it was written with 1" in str(
        lines
    )


def unknown_to_the_exchange(scene: Scene, at: datetime) -> None:
    """Add an execution without money whose rows are gone, which the exchange does not tell."""
    with closing(sqlite3.connect(scene.terminal.books)) as connection, connection:
        cursor = connection.execute("SELECT * FROM executions LIMIT 1")
        names = [column[0] for column in cursor.description]
        row = dict(zip(names, cursor.fetchone(), strict=True))
        row |= {"EXECID": "gone", "EXEC_COST": 0, "EXEC_COMM": 0, "TTIME": time_text(at)}
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO executions VALUES ({marks})", tuple(row.values()))
        connection.execute("UPDATE ledger_tally SET COIN_ROWS = COIN_ROWS + 1")
