"""Where the line of a bot's results runs on its canvas. Pure; no money becomes a float."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.domain.bot_story import Point
from display.formats import money_text

LEFT, RIGHT, TOP, BOTTOM = 8, 8, 20, 36  # pixels around the line, where the texts stand


@dataclass(frozen=True, slots=True)
class Shape:
    """A line of steps: a result stays until the next row of the books."""

    line: tuple[int, ...]  # x, y, x, y, ...
    zero: int  # y of the result 0
    top: str  # the largest result in sight, as text
    bottom: str  # the smallest
    begins: str  # time of the first point
    ends: str  # time of the last point
    gain: int  # sign of the last result


def shape(points: Sequence[Point], scale: int, width: int, height: int) -> Shape | None:
    """Return the line for a canvas of this size; None while there is nothing to draw."""
    if not points or width <= LEFT + RIGHT or height <= TOP + BOTTOM:
        return None
    begin, end = points[0].at, points[-1].at
    span = max(end - begin, timedelta(microseconds=1))
    highest = max(0, *(point.result for point in points))
    lowest = min(0, *(point.result for point in points))
    room = max(1, highest - lowest)

    def x(at: datetime) -> int:
        return LEFT + (width - LEFT - RIGHT) * (at - begin) // span

    def y(result: int) -> int:
        return TOP + (height - TOP - BOTTOM) * (highest - result) // room

    line = [x(begin), y(0)]
    for point in points:
        line += [x(point.at), line[-1], x(point.at), y(point.result)]
    line += [width - RIGHT, line[-1]]
    last = points[-1].result
    return Shape(
        tuple(line),
        y(0),
        money_text(highest, scale, signed=True),
        money_text(lowest, scale, signed=True),
        f"{begin:%Y-%m-%d %H:%M}",
        f"{end:%Y-%m-%d %H:%M}",
        (last > 0) - (last < 0),
    )
