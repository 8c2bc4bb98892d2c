"""Files of bars: CSV with the start of each bar, or the exchange's own bins, whose time is the end.

Columns may stand in any order and others beside them. Prices become ticks of the contract, to the
nearest where they lie between two; how many did is told.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path

from api.simulator.bars import Bar, Bars, moment
from api.simulator.contracts import Contract
from api.simulator.times import parse
from common.errors import ConfigurationError

COLUMNS = ("start", "open", "high", "low", "close", "volume", "bid", "ask")
NEEDED = ("open", "high", "low", "close", "volume")
TIMES = {"start": 0, "timestamp": 1}  # column -> bars that its time lies after the start
FIRST_MINUTE, LAST_MINUTE = 525_600, 4_000_000_000  # 1971 to 9575
MINUTES_A_DAY = 1440
LARGEST = 10**15  # of a price or volume; beyond any market, far within 64 bits
_SHOWN = 40  # characters of a wrong field in a message


class BarFile:
    """A file of bars, read once."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self.rounded = 0  # prices between two ticks
        self._path = path
        self._contract = contract
        self._line = 1
        self._at: dict[str, int] = {}

    def read(self) -> Bars:
        """Return the bars. ConfigurationError names the file, the line and what is wrong."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                rows = csv.reader(file)
                self._take_header(next(rows, []))
                return self._bars(rows)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(f"{self._path} cannot be read: {reason}") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise self._wrong(f"this is not a text file with columns ({error})") from error

    def _take_header(self, header: Sequence[str]) -> None:
        self._at = {name.strip().lower(): place for place, name in enumerate(header)}
        missing = [name for name in NEEDED if name not in self._at]
        if not any(name in self._at for name in TIMES):
            missing.insert(0, "start (or timestamp, the end of the bar)")
        if missing:
            raise self._wrong(
                f"the first line must name the columns; missing: {', '.join(missing)}"
            )

    def _bars(self, rows: Iterable[Sequence[str]]) -> Bars:
        told = self._numbered(rows)
        head = list(islice(told, 2))
        if len(head) < 2:
            raise self._wrong("there are fewer than two bars")
        minutes = head[1][0] - head[0][0]
        if not 0 < minutes <= MINUTES_A_DAY or MINUTES_A_DAY % minutes:
            raise self._wrong(
                f"the second bar begins {minutes} minutes after the first; bars must be in order "
                "of time, and their length must divide a day"
            )
        ends = "start" not in self._at
        bars = Bars(minutes, self._contract.ticks_per_unit)
        for number, (time, row) in enumerate(head):
            self._line = number + 2
            self._add(bars, time - minutes * ends, row)
        for time, row in told:
            self._add(bars, time - minutes * ends, row)
        return bars

    def _numbered(self, rows: Iterable[Sequence[str]]) -> Iterator[tuple[int, Sequence[str]]]:
        place = self._at["start" if "start" in self._at else "timestamp"]
        for self._line, row in enumerate(rows, start=2):
            if not row:
                continue
            if len(row) < len(self._at):
                raise self._wrong(f"{len(row)} columns instead of {len(self._at)}")
            yield self._minute(row[place]), row

    def _add(self, bars: Bars, start: int, row: Sequence[str]) -> None:
        if len(bars) and start != bars.end:
            what = "bars are missing before it" if start > bars.end else "it comes too late"
            raise self._wrong(
                f"the bar of {moment(start):%Y-%m-%d %H:%M} follows that of "
                f"{moment(bars.end - bars.minutes):%Y-%m-%d %H:%M}: {what}. Put the missing bars "
                "in, or choose a range without a gap and cut the file there"
            )
        if start % bars.minutes:
            raise self._wrong(
                f"a bar of {bars.minutes} min cannot begin at {moment(start):%Y-%m-%d %H:%M}"
            )
        opened, high, low, close = (self._ticks(row, name) for name in NEEDED[:4])
        if "start" not in self._at:  # bins open at the close before, which may lie outside
            low, high = min(low, opened, close), max(high, opened, close)
        if not low <= min(opened, close) <= max(opened, close) <= high:
            raise self._wrong("open and close must lie between low and high")
        quotes = [self._ticks(row, name) if name in self._at else 0 for name in ("bid", "ask")]
        if all(quotes) and quotes[0] >= quotes[1]:
            raise self._wrong("bid must be below ask")
        bars.append(Bar(start, opened, high, low, close, self._volume(row), *quotes))

    def _minute(self, text: str) -> int:
        try:
            minute, rest = divmod(parse(text), 60_000)
        except (ValueError, IndexError, OverflowError):
            raise self._wrong(
                f"{text[:_SHOWN]!r} is not a time such as 2025-01-31T23:59:00Z"
            ) from None
        if rest or not FIRST_MINUTE <= minute < LAST_MINUTE:
            raise self._wrong(f"{text[:_SHOWN]!r} is not the beginning of a minute since 1971")
        return minute

    def _ticks(self, row: Sequence[str], name: str) -> int:
        text = row[self._at[name]].strip()
        if not text and name in ("bid", "ask"):
            return 0
        ticks = self._number(text, name) * self._contract.ticks_per_unit
        if self._contract.step > 1:
            ticks /= self._contract.step
        whole = round(ticks)
        if whole != ticks:
            self.rounded += 1
        if whole <= 0:
            raise self._wrong(f"{name} {text[:_SHOWN]!r} is not a price above 0")
        return whole * self._contract.step

    def _volume(self, row: Sequence[str]) -> int:
        number = self._number(row[self._at["volume"]].strip(), "volume")
        if number < 0 or number > LARGEST:
            raise self._wrong("volume must be a number of contracts")
        return int(number)

    def _number(self, text: str, name: str) -> Decimal:
        try:
            number = Decimal(text)
            in_range = -LARGEST < number < LARGEST  # raises for a NaN
        except InvalidOperation:
            raise self._wrong(f"{name} {text[:_SHOWN]!r} is not a number") from None
        if not in_range:
            raise self._wrong(f"{name} {text[:_SHOWN]!r} is not a number in range")
        return number

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}, line {self._line}: {what}")


def write_bars(path: Path, bars: Bars, first: int = 0) -> None:
    """Write bars from a place on, in the form that `BarFile` reads. OSError."""
    unit, unfinished = bars.ticks_per_unit, path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for index in range(first, len(bars)):
            bar = bars[index]
            prices = [repr(ticks / unit) for ticks in (bar.open, bar.high, bar.low, bar.close)]
            quotes = [repr(ticks / unit) if ticks else "" for ticks in (bar.bid, bar.ask)]
            rows.writerow([f"{moment(bar.start):%Y-%m-%dT%H:%M:%SZ}", *prices, bar.volume, *quotes])
    unfinished.replace(path)


def read_rates(path: Path) -> Mapping[int, int]:
    """Return ms of a funding time -> rate in ppm, from CSV columns timestamp and fundingRate."""
    rates: dict[int, int] = {}
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            for line, row in enumerate(rows, start=2):  # noqa: B007 - told in errors
                time, rate = row.get("timestamp"), row.get("fundingRate") or row.get("rate")
                if not time or not rate:
                    raise ValueError("columns timestamp and fundingRate are needed")
                number = Decimal(rate) * 1_000_000
                if not number.is_finite() or abs(number) > 1_000_000:
                    raise ValueError(f"{rate!r} is not a rate")
                rates[parse(time)] = round(number)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"{path} cannot be read: {reason}") from error
    except (ValueError, InvalidOperation, IndexError) as error:
        raise ConfigurationError(
            f"{path}, line {line}: {error}; a line is such as 2025-01-31T04:00:00Z,0.0001"
        ) from error
    if not rates:
        raise ConfigurationError(f"{path} has no funding rates")
    return rates
