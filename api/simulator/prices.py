"""Where the market goes: index prices, bases and funding rates as functions of seed and time.

Every value depends on nothing but the seed and the moment asked for, so that the past (candles),
the present (quotes) and the time in which the exchange was off are one and the same path, and
nothing of it has to be stored. The floats here are market data, never money.
"""

from __future__ import annotations

import math

from api.simulator.contracts import Contract, Kind

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FUNDING_INTERVAL = 8 * HOUR
FUNDING_OFFSET = 4 * HOUR  # funding at 04:00, 12:00 and 20:00 UTC

_MASK = (1 << 64) - 1
_OCTAVES = 9  # periods from a minute to 45 days, each four times the one before
_FAST = (15_000, 4_000)

# Price in the middle of the path, daily volatility, and the part of it shared with XBT.
_ASSETS = {
    "XBT": (78_000.0, 0.013, 1.0),
    "ETH": (2_300.0, 0.016, 0.8),
    "SOL": (84.0, 0.019, 0.75),
}


def mix(value: int) -> int:
    """Return a well mixed 64-bit number; equal only for equal numbers (splitmix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def stream_of(seed: int, name: str) -> int:
    """Return the number of an independent random stream."""
    number = mix(seed & _MASK)
    for character in name:
        number = mix(number ^ ord(character))
    return number


def uniform(stream: int, index: int) -> float:
    """Return the value number `index` of a stream, in [-1, 1)."""
    return mix(stream ^ (index & _MASK)) / (1 << 63) - 1.0


class Wander:
    """A path without an end that looks like a random walk at every scale.

    A sum of straight-line noises whose periods grow fourfold from a minute on and whose
    amplitudes grow twofold, as the deviations of a Brownian motion do. Within a minute two faster
    noises come and go; they vanish at its ends, so that candles need not know them.
    """

    def __init__(self, stream: int, amplitude: float) -> None:
        """Start a path whose noise with a period of one day has this amplitude."""
        periods = [MINUTE << 2 * octave for octave in range(_OCTAVES)] + list(_FAST)
        self._octaves = [
            (mix(stream + number), period, amplitude * math.sqrt(period / DAY))
            for number, period in enumerate(periods)
        ]
        self._cached: list[tuple[int, float, float]] = [(-1, 0.0, 0.0)] * len(periods)

    def at(self, time: int) -> float:
        """Return the value at a time in ms."""
        total = 0.0
        for number in range(_OCTAVES):
            total += self._noise(number, time)
        passed = time % MINUTE
        if passed:
            weight = min(passed, MINUTE - passed) / (MINUTE // 2)
            for number in range(_OCTAVES, len(self._octaves)):
                total += weight * self._noise(number, time)
        return total

    def minutes(self, first: int, count: int) -> list[float]:
        """Return the values at the start of `count` minutes, as `at` does, but cheaply."""
        length, base, rise = count * MINUTE, 0.0, 0.0
        quick: list[tuple[int, int, float, int, int]] = []
        for stream, period, amplitude in self._octaves[:_OCTAVES]:
            cell, offset = divmod(first * MINUTE + stream % period, period)
            if offset + length > period:
                quick.append((stream, period, amplitude, cell, offset))
            else:  # one straight line all the way, like most others: they are added up first
                start, slope = _line(stream, cell, period, amplitude)
                base += start + slope * offset
                rise += slope * MINUTE
        totals = [base + rise * index for index in range(count)]
        for noise in quick:
            _add_noise(totals, *noise)
        return totals

    def _noise(self, number: int, time: int) -> float:
        stream, period, amplitude = self._octaves[number]
        cell, offset = divmod(time + stream % period, period)
        known, start, slope = self._cached[number]
        if known != cell:
            start, slope = _line(stream, cell, period, amplitude)
            self._cached[number] = (cell, start, slope)
        return start + slope * offset


def _add_noise(
    totals: list[float], stream: int, period: int, amplitude: float, cell: int, offset: int
) -> None:
    """Add a noise at every minute, beginning at an offset within a cell."""
    left, right = uniform(stream, cell), uniform(stream, cell + 1)
    start, slope = amplitude * left, amplitude * (right - left) / period
    for index in range(len(totals)):
        if offset >= period:
            offset -= period
            cell += 1
            left, right = right, uniform(stream, cell + 1)
            start, slope = amplitude * left, amplitude * (right - left) / period
        totals[index] += start + slope * offset
        offset += MINUTE


def _line(stream: int, cell: int, period: int, amplitude: float) -> tuple[float, float]:
    """Return value at the start and slope per ms of one straight piece of a noise."""
    left, right = uniform(stream, cell), uniform(stream, cell + 1)
    return amplitude * left, amplitude * (right - left) / period


class Prices:
    """Fair prices of every contract at any time."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        # Moves imposed on an asset's price: from a time in ms on, by a logarithm.
        self.shift: dict[str, list[tuple[int, float]]] = {asset: [] for asset in _ASSETS}
        common, own = stream_of(seed, "common"), stream_of(seed, "own")
        self._common = Wander(common, 1.0)
        self._own = {asset: Wander(stream_of(own, asset), 1.0) for asset in _ASSETS}
        self._tether = Wander(stream_of(seed, "tether"), 0.0002)
        self._bases: dict[str, Wander] = {}
        self._rates: dict[str, int] = {}  # streams of the funding rates by symbol

    def asset(self, asset: str, time: int) -> float:
        """Return the price of an asset in USD."""
        own = self._own[asset].at(time) if _ASSETS[asset][2] < 1.0 else 0.0
        return self._price(asset, self._common.at(time), own, time)

    def index(self, contract: Contract, time: int) -> float:
        """Return the index price of a contract, in its quote currency."""
        price = self.asset(contract.underlying, time)
        if contract.quote == "USDT":
            price *= math.exp(self._tether.at(time))
        return price

    def basis(self, contract: Contract, time: int) -> float:
        """Return fair price / index - 1: funding still to come, or interest until expiry."""
        if contract.expiry is not None:
            left = max(0, int(contract.expiry.timestamp() * 1000) - time)
            return 0.04 * left / (365 * DAY)
        if contract.is_perpetual:
            interval, left = funding_period(time)
            return self.funding_ppm(contract, interval) / 1e6 * left / FUNDING_INTERVAL
        return 0.0

    def fair(self, contract: Contract, time: int) -> float:
        """Return the fair price of a contract, in its quote currency."""
        return self.index(contract, time) * (1.0 + self.basis(contract, time))

    def traded(self, contract: Contract, time: int) -> float:
        """Return the price around which makers quote: fair, and a premium of its own."""
        return self.fair(contract, time) * math.exp(self._premium(contract).at(time))

    def traded_minutes(self, contract: Contract, first: int, count: int) -> list[float]:
        """Return `traded` at the start of `count` minutes, cheaply."""
        common = self._common.minutes(first, count)
        shared = _ASSETS[contract.underlying][2]
        own = [0.0] * count
        if shared < 1.0:
            own = self._own[contract.underlying].minutes(first, count)
        premium = self._premium(contract).minutes(first, count)
        prices = [
            self._price(contract.underlying, common[i], own[i], (first + i) * MINUTE)
            for i in range(count)
        ]
        if contract.quote == "USDT":
            tether = self._tether.minutes(first, count)
            prices = [prices[i] * math.exp(tether[i]) for i in range(count)]
        return [
            prices[i] * (1.0 + self.basis(contract, (first + i) * MINUTE)) * math.exp(premium[i])
            for i in range(count)
        ]

    def move(self, asset: str, factor: float, time: int) -> None:
        """Multiply the price of an asset from a time on."""
        self.shift[asset].append((time, math.log(factor)))

    def _price(self, asset: str, common: float, own: float, time: int) -> float:
        middle, volatility, shared = _ASSETS[asset]
        log = common * volatility * shared + own * volatility * math.sqrt(1.0 - shared * shared)
        log += sum(move for start, move in self.shift[asset] if time >= start)
        return middle * math.exp(log)

    def _premium(self, contract: Contract) -> Wander:
        wander = self._bases.get(contract.symbol)
        if wander is None:
            wander = Wander(stream_of(self.seed, "basis " + contract.symbol), 0.0002)
            self._bases[contract.symbol] = wander
        return wander

    def funding_ppm(self, contract: Contract, interval: int) -> int:
        """Return the rate paid at the end of an 8 h interval; > 0: longs pay shorts."""
        stream = self._rates.get(contract.symbol)
        if stream is None:
            stream = stream_of(self.seed, "funding " + contract.symbol)
            self._rates[contract.symbol] = stream
        noise = uniform(stream, interval)
        return max(-200, min(375, 100 + round(noise * 160)))

    def satoshi_per_dollar(self, time: int) -> int:
        """Return the rate that quanto notionals use: satoshi per USD."""
        return round(1e8 / self.asset("XBT", time))


def funding_period(time: int) -> tuple[int, int]:
    """Return the number of the running 8 h interval and the ms left of it."""
    interval, passed = divmod(time - FUNDING_OFFSET, FUNDING_INTERVAL)
    return interval, FUNDING_INTERVAL - passed


def funding_time(interval: int) -> int:
    """Return the end of an 8 h interval in ms: the time its rate is paid."""
    return (interval + 1) * FUNDING_INTERVAL + FUNDING_OFFSET


def daily_volume(contract: Contract) -> int:
    """Return the contracts that change hands on a usual day."""
    lots = {Kind.INVERSE: 1_300_000, Kind.LINEAR: 1_700_000, Kind.QUANTO: 60_000}
    if contract.is_spot:
        return 265_000 * contract.lot
    if contract.expiry is not None:
        return 1_500_000
    return lots[contract.kind] * contract.lot
