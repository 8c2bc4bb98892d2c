"""The numbers of new orders: from blocks that the database has reserved, each used once."""

from __future__ import annotations

from common.domain.orders import format_cl_ord_id, parse_cl_ord_id
from common.engine.ports import Ledger
from common.errors import OrderRefused

NUMBER_BLOCK = 500
LOW_NUMBERS = 100


class OrderNumbers:
    """Makes the clOrdIDs of one market."""

    def __init__(self, ledger: Ledger, market: str) -> None:
        self._ledger = ledger
        self._market = market
        self._left: list[range] = []
        self._blocks: list[range] = []  # every number of this run
        self._asked = False

    def reserved(self, first: int, count: int) -> None:
        """Take a block."""
        self._asked = False
        block = range(first, first + count)
        self._left.append(block)
        self._blocks.append(block)

    def want(self) -> None:
        """Ask for a block when few numbers are left."""
        if not self._asked and sum(map(len, self._left)) < LOW_NUMBERS:
            self._asked = True
            self._ledger.reserve_numbers(self._market, NUMBER_BLOCK)

    def mint(self, emi: str) -> str:
        """Return the clOrdID of a bot's next order. OrderRefused: there is none."""
        while self._left and not self._left[0]:
            self._left.pop(0)
        if not self._left:
            self.want()
            raise OrderRefused("no order numbers yet: the database has not answered")
        block = self._left[0]
        try:
            text = format_cl_ord_id(block[0], emi)
        except ValueError as error:
            raise OrderRefused(str(error)) from error
        self._left[0] = block[1:]
        self.want()
        return text

    def is_of_this_run(self, cl_ord_id: str) -> bool:
        """Whether a clOrdID bears a number that this run has reserved."""
        number = parse_cl_ord_id(cl_ord_id).number or 0
        return any(number in block for block in self._blocks)
