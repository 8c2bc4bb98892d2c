"""`--verify`: compares all of the books with the exchange and says the verdict on the last line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from common.domain.verification import Difference
from common.engine.snapshot import Health, MarketRow, Snapshot
from common.headless import StopSignals
from common.redaction import clean

POLL_SECONDS = 0.1
UNREACHABLE_SECONDS = 5.0  # how long a market may be OFFLINE or BLOCKED before it is given up
PATIENCE_SECONDS = 300.0  # without any progress
LONGEST_LINE = 500  # characters
DIFFERENCES, AGREEMENT = 1, 0  # exit codes


def run_verify(
    snapshot: Callable[[], Snapshot],
    stop: StopSignals,
    write: Callable[[str], None] = lambda line: print(line, flush=True),
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Wait until every market has been compared; print progress, differences and the verdict.

    Returns 0 when books and exchange agree, 1 when they differ or could not be compared.
    """
    shown: tuple[str, ...] = ()
    since = monotonic()
    while True:
        markets = snapshot().markets
        state = tuple(_state(market) for market in markets)
        if state != shown:
            for line, before in zip(state, shown or ("",) * len(state), strict=False):
                if line != before:
                    write(clean(line, LONGEST_LINE))
            shown, since = state, monotonic()
        waited = monotonic() - since
        if markets and all(_is_over(market, waited, stop) for market in markets):
            break
        sleep(POLL_SECONDS)
    for line in _verdict(markets, stop):
        write(clean(line, LONGEST_LINE))
    agreed = not stop.requested and all(_agrees(market) for market in markets)
    return AGREEMENT if agreed else DIFFERENCES


def _state(market: MarketRow) -> str:
    if market.progress:
        return f"{market.market}: {market.progress}"
    if market.verification.running:
        return f"{market.market}: comparing books and exchange"
    reason = f": {market.reason}" if market.reason else ""
    return f"{market.market}: {market.health}{reason}"


def _is_over(market: MarketRow, waited: float, stop: StopSignals) -> bool:
    if market.verification.finished or stop.requested:
        return True
    given_up = market.health in (Health.OFFLINE, Health.BLOCKED)
    return waited >= (UNREACHABLE_SECONDS if given_up else PATIENCE_SECONDS)


def _agrees(market: MarketRow) -> bool:
    verification = market.verification
    compared = verification.finished and not verification.problem
    return bool(compared) and not _blocking(market)


def _blocking(market: MarketRow) -> Sequence[Difference]:
    return [each for each in market.verification.differences if each.blocks]


def _verdict(markets: Sequence[MarketRow], stop: StopSignals) -> Iterator[str]:
    for market in markets:
        for each in market.verification.differences:
            mark = "differs" if each.blocks else "before the books began"
            yield f"{market.market}: {mark}: {each.text}"
    found = sum(len(_blocking(market)) for market in markets)
    if found:
        yield f"BOOKS DIFFER: {found} difference{'s' if found > 1 else ''}"
        return
    for market in markets:
        if not _agrees(market) or stop.requested:
            verification = market.verification
            reason = verification.problem or market.reason or "the account was never quiet"
            yield f"BOOKS NOT VERIFIED: {market.market}: {reason}"
            return
    executions = sum(market.verification.executions for market in markets)
    yield f"books verified: {executions} executions, 0 differences"
