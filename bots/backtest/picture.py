"""The picture of a back-test: equity, drawdown and the result of each month, as a PNG file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from bots.backtest.figures import Figures
from bots.backtest.png import LETTER_HEIGHT, Canvas, Colour, text_width
from bots.backtest.report import percent
from bots.backtest.run import Outcome

WIDTH, HEIGHT = 1280, 800
LEFT, RIGHT = 124, 24  # pixels beside the charts
CURVE_TOP, CURVE_HEIGHT = 104, 380
FALL_TOP, FALL_HEIGHT = 540, 90
MONTHS_TOP, MONTHS_HEIGHT = 672, 96
LINES = 6  # of the grid, about
MOST_MONTHS_NAMED = 13
DIGITS = 6  # of an amount; the report has all of them

BACK: Colour = (24, 27, 33)
CHART: Colour = (30, 34, 41)
GRID: Colour = (54, 60, 70)
TEXT: Colour = (222, 226, 232)
DIM: Colour = (150, 158, 170)
CURVE: Colour = (92, 160, 242)
GAIN: Colour = (62, 178, 112)
LOSS: Colour = (226, 88, 84)


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns amounts into heights."""

    low: int
    high: int
    top: int
    height: int

    def y(self, amount: int) -> int:
        """Return the pixel of an amount."""
        span = max(1, self.high - self.low)
        return self.top + (self.high - amount) * (self.height - 1) // span


def draw(path: Path, outcome: Outcome, figures: Figures) -> None:
    """Write the picture. OSError."""
    canvas = Canvas(WIDTH, HEIGHT, BACK)
    _head(canvas, outcome, figures)
    columns = _columns(outcome)
    _curve(canvas, outcome, columns)
    _falls(canvas, outcome, columns)
    _months(canvas, outcome, figures)
    canvas.save(path)


def _head(canvas: Canvas, outcome: Outcome, figures: Figures) -> None:
    robot = outcome.plan.robot
    title = f"{robot.emi}  {robot.symbol.ticker}  {robot.timeframe} MIN"
    canvas.write(title, LEFT, 14, TEXT, 3)
    span = f"{outcome.begin:%Y-%m-%d %H:%M} - {outcome.end:%Y-%m-%d %H:%M} UTC"
    canvas.write(span, WIDTH - RIGHT - text_width(span, 2), 20, DIM, 2)
    result = f"{_money(outcome, figures.result)} ({percent(figures.result, outcome.deposit)})"
    words = (
        ("RESULT ", DIM, result, GAIN if figures.result >= 0 else LOSS),
        ("  DRAWDOWN ", DIM, percent(figures.drawdown, figures.high), TEXT),
        ("  TRADES ", DIM, f"{figures.sums.trades}", TEXT),
        ("  FEES ", DIM, _short(outcome, figures.sums.commission), TEXT),
        ("  FUNDING ", DIM, _short(outcome, figures.sums.funding), TEXT),
    )
    total = sum(len(name) + len(value) for name, _, value, _ in words)
    scale = 2 if text_width("." * total, 2) <= WIDTH - LEFT - RIGHT else 1
    x = LEFT
    for name, dim, value, colour in words:
        canvas.write(name, x, 52, dim, scale)
        x += text_width(name, scale)
        canvas.write(value, x, 52, colour, scale)
        x += text_width(value, scale)


def _columns(outcome: Outcome) -> list[Sequence[int]]:
    """Return the results that fall into each column of pixels, at least one in each."""
    width, values = WIDTH - LEFT - RIGHT, outcome.equity
    count = len(values)
    if not count:
        return []
    edges = [number * count // width for number in range(width + 1)]
    return [values[a : max(b, a + 1)] for a, b in pairwise(edges)]


def _curve(canvas: Canvas, outcome: Outcome, columns: list[Sequence[int]]) -> None:
    """Draw deposit and result over time."""
    deposit = outcome.deposit
    low = min((min(values) for values in columns), default=0)
    high = max((max(values) for values in columns), default=0)
    low, high = min(low, 0), max(high, 0)
    margin = max(1, (high - low) // 20)
    scale = Scale(low - margin, high + margin, CURVE_TOP, CURVE_HEIGHT)
    _frame(canvas, CURVE_TOP, CURVE_HEIGHT, f"EQUITY, {outcome.major}")
    for amount in _grid(scale.low + deposit, scale.high + deposit):
        y = scale.y(amount - deposit)
        canvas.box(LEFT, y, WIDTH - LEFT - RIGHT, 1, GRID)
        _label(canvas, _short(outcome, amount), y)
    _dates(canvas, outcome)
    canvas.box(LEFT, scale.y(0), WIDTH - LEFT - RIGHT, 1, DIM)
    before: int | None = None
    for number, values in enumerate(columns):
        ends = [*values] if before is None else [before, *values]
        canvas.column(LEFT + number, scale.y(max(ends)), scale.y(min(ends)) + 1, CURVE)
        before = values[-1]


def _falls(canvas: Canvas, outcome: Outcome, columns: list[Sequence[int]]) -> None:
    """Draw how far the curve lies below its high, in percent of deposit and result there."""
    _frame(canvas, FALL_TOP, FALL_HEIGHT, "DRAWDOWN, %")
    high, falls = 0, []
    for values in columns:
        worst = 0.0
        for value in values:
            high = max(high, value)
            worst = max(worst, (high - value) / max(1, outcome.deposit + high))
        falls.append(worst)
    deepest = max(falls, default=0.0)
    if not deepest:
        return
    for number, fall in enumerate(falls):
        height = round(fall / deepest * (FALL_HEIGHT - 10))
        canvas.box(LEFT + number, FALL_TOP + 1, 1, height, LOSS)
    _label(canvas, f"-{100 * deepest:.2f}", FALL_TOP + FALL_HEIGHT - 10)
    _label(canvas, "0.00", FALL_TOP)


def _months(canvas: Canvas, outcome: Outcome, figures: Figures) -> None:
    """Draw the result of each month as a bar."""
    _frame(canvas, MONTHS_TOP, MONTHS_HEIGHT, f"RESULT BY MONTH, {outcome.major}")
    results = [month.result for month in figures.months]
    if not results:
        return
    scale = Scale(min(0, *results), max(0, *results), MONTHS_TOP + 4, MONTHS_HEIGHT - 8)
    width, zero = (WIDTH - LEFT - RIGHT) / len(results), scale.y(0)
    every = -(-len(results) // MOST_MONTHS_NAMED)
    for number, month in enumerate(figures.months):
        left, y = LEFT + round(number * width), scale.y(month.result)
        colour = GAIN if month.result >= 0 else LOSS
        canvas.box(left + 2, min(y, zero), max(2, round(width) - 4), abs(y - zero) + 1, colour)
        if number % every == 0:
            canvas.write(month.label, left + 2, MONTHS_TOP + MONTHS_HEIGHT + 6, DIM, 2)
    canvas.box(LEFT, zero, WIDTH - LEFT - RIGHT, 1, DIM)
    for amount in {scale.high, scale.low} - {0}:
        _label(canvas, _short(outcome, amount), scale.y(amount))


def _frame(canvas: Canvas, top: int, height: int, title: str) -> None:
    canvas.box(LEFT, top, WIDTH - LEFT - RIGHT, height, CHART)
    canvas.write(title, LEFT, top - 2 * LETTER_HEIGHT, DIM, 2)


def _label(canvas: Canvas, text: str, y: int) -> None:
    canvas.write(text, LEFT - 6 - text_width(text, 2), y - 6, DIM, 2)


def _dates(canvas: Canvas, outcome: Outcome) -> None:
    """Mark about eight days along the lower edge of the curve."""
    span, width = outcome.end - outcome.begin, WIDTH - LEFT - RIGHT
    if not span:
        return
    pattern = "%Y-%m-%d" if span > timedelta(days=4) else "%m-%d %H:%M"
    for number in range(8):
        at: datetime = outcome.begin + span * number / 8
        x = LEFT + width * number // 8
        canvas.box(x, CURVE_TOP, 1, CURVE_HEIGHT, GRID)
        canvas.write(f"{at:{pattern}}", x + 2, CURVE_TOP + CURVE_HEIGHT + 4, DIM, 2)


def _grid(low: int, high: int) -> Iterator[int]:
    """Yield round amounts between two others."""
    step = 1
    while (high - low) // step > LINES:
        step *= 5 if str(step)[0] == "1" else 2
    first = -(-low // step) * step
    yield from range(first, high + 1, step)


def _money(outcome: Outcome, amount: int) -> str:
    return f"{_short(outcome, amount)} {outcome.major}"


def _short(outcome: Outcome, amount: int) -> str:
    """Return an amount with its first digits and without zeros at its end."""
    exact = Decimal(amount).scaleb(-outcome.scale)
    rounded = exact.quantize(Decimal(1).scaleb(min(0, exact.adjusted() - DIGITS + 1)))
    text = format(rounded, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
