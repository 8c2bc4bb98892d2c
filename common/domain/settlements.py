"""What becomes of bots that offset each other when their contract is settled.

The exchange closes the position of the whole account. Where that is 0 it says nothing, although
each bot still has its part: the books close the bots against each other, at the settlement price.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Instrument
from common.domain.money import closing_value


@dataclass(frozen=True, slots=True)
class Settled:
    """The end of a contract, or of one that was listed again under the same name later."""

    instrument: Instrument
    price: Decimal  # at which every position was closed
    at: datetime  # aware UTC


def internal_transfer(settled: Settled, account: int, scale: int) -> Executed:
    """Return what closes the bots of a contract against each other; nothing leaves the account.

    Its id follows from the contract and the moment, so that it is booked once. `scale`: decimal
    places of the settlement currency's smallest unit.
    """
    instrument = settled.instrument
    ticker, at = instrument.symbol.ticker, settled.at
    told = {"symbol": ticker, "price": str(settled.price), "at": at.isoformat()}
    return Executed(
        exec_id=f"internal-{at:%Y%m%d%H%M%S}-{ticker}",
        kind=ExecutionKind.TRANSFER,
        exec_type="Internal transfer",
        symbol=instrument.symbol,
        order_id="",
        cl_ord_id="",
        side=None,
        quantity=0,
        leaves=0,
        price=settled.price,
        trade_price=settled.price,
        rate=None,
        cost=0,
        fee=0,
        currency=instrument.settlement_currency,
        fee_currency=instrument.settlement_currency,
        account=account,
        at=at,
        written_at=at,
        raw=json.dumps(told),
        closing=partial(closing_value, instrument, settled.price, scale=scale),
    )
