"""Executions that lack rows are told where reading the history does not reach them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from common.domain.books import Books
from tests.common.engine.support import START
from tests.common.engine.world import World


class Holed(World):
    """Books whose rows were partly deleted."""

    holes: Sequence[datetime] = ()
    cursor = START

    def _books(self) -> Books:
        return replace(super()._books(), holes=self.holes, cursor=self.cursor)


@pytest.mark.parametrize(("hours", "told"), [(30, True), (0, False)])
def test_older_holes_are_told_with_the_remedy_and_newer_ones_are_read_again(
    hours: int, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    world = Holed()
    world.holes = (START - timedelta(hours=hours),)
    world.start()
    assert ("lack rows in the table coins" in caplog.text) is told
    assert ("history.ini" in caplog.text) is told
