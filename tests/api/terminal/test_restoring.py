"""A date in history.ini brings back what lies after it; what lies before is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.api.simulator.venues import START
from tests.faults.scene import Scene

APART = timedelta(minutes=40)  # more than what is read again by itself


def coins(scene: Scene) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(scene.terminal.books)) as connection:
        return connection.execute(
            "SELECT EXECID, EMI, QTY, SUMREAL_I, COMMISS_I FROM coins ORDER BY TTIME, EXECID"
        ).fetchall()


def started(former: Scene, folder: Path, since: datetime) -> Scene:
    """Return a terminal whose history.ini says a date."""
    scene = Scene(folder, former=former)
    scene.market.bring_up._first_date = lambda _: since
    return scene


def test_only_what_lies_after_the_date_comes_back_and_older_holes_are_told(tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
    scene.exchange.run_until(scene.clock.monotonic() + APART.total_seconds())
    with Scene(tmp_path, former=scene) as scene:
        scene.live()
        scene.buy_and_fill(parts=1)
    before = coins(scene)
    assert len(before) == 3  # between the fills funding was paid
    scene.exchange.run_until(scene.clock.monotonic() + APART.total_seconds())
    with closing(sqlite3.connect(scene.terminal.books)) as connection, connection:
        connection.execute("DELETE FROM coins")
    with started(scene, tmp_path, START + APART / 2) as scene:
        scene.until(lambda: scene.market.completed > 0)
        assert coins(scene) == before[1:]
        (told,) = scene.told("lack rows in the table coins")
        assert told.startswith("1 executions from 2026-11-23 03:30")
    with started(scene, tmp_path, START) as scene:
        scene.agrees()
        assert coins(scene) == before
        assert scene.told("lack rows") == []
