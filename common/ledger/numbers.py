"""Order numbers: the part of a clOrdID before the dot, never used twice.

They come in blocks that the database gives out, each above the one before. The clock has no part
in them: it may be set back, and two orders may be of one moment.

A database that was lost, or of which an older copy was brought back, has forgotten numbers that
the exchange remembers. So the first block ever lies at random, and the first one after each start
a random distance above the last. After a copy was brought back, 5,000 orders that it has forgotten
make it once in 2,000 times that a block meets their numbers; the exchange refuses one that an open
order has.
"""

from __future__ import annotations

from collections.abc import Callable

from common.domain.orders import NUMBER_DIGITS

NUMBER_LIMIT = 10**NUMBER_DIGITS
MARGIN = 1_000_000  # distance to every number in the books
SPREAD_AT_FIRST = 10**11  # where the first block of a database may lie
SPREAD_AT_START = 10_000_000  # numbers that a start may leave out: there are for 180,000 starts


def first_free(
    reserved: int, booked: int, draw: Callable[[int], int], *, at_start: bool = False
) -> int:
    """Return the first number of a new block.

    `reserved` is what the database has given out up to (exclusive), `booked` the highest number
    in the books, `draw(n)` a random number from 0 to n - 1. At start: of a connection to the
    database that has not given out any.
    """
    if reserved:
        return reserved + (draw(SPREAD_AT_START) if at_start else 0)
    lowest = booked + MARGIN
    return lowest + 1 + draw(max(1, min(SPREAD_AT_FIRST, (NUMBER_LIMIT - lowest) // 2)))
