"""How often the engine looks at what costs time. Numbers are seconds of its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import inf

from common.engine.bars import LATEST
from common.engine.time_watch import LEAP
from common.engine.verifier import INTERVAL


@dataclass(frozen=True, slots=True)
class Pace:
    """The usual pace of a terminal that a person looks at."""

    snapshot_every: float | None = None  # None: by the refresh rate
    verify_every: float = INTERVAL  # between two comparisons of the books that found nothing
    look_every: timedelta = LATEST  # closes are looked for at least so often
    leap: float = LEAP  # a step of time that is longer means that the computer slept


A_DAY = timedelta(days=1)
LIVE = Pace()
BAR_BY_BAR = Pace(snapshot_every=86_400.0, verify_every=30 * 86_400.0, leap=inf, look_every=A_DAY)
