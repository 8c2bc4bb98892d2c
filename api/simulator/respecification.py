"""What a contract becomes when its exchange changes lot and tick size."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from api.simulator.contracts import Contract
from api.simulator.refusals import Refused

LARGEST_STEP = 1000


def respecified(contract: Contract, lot: int | None, tick_size: Decimal | None) -> Contract:
    """Return the contract with another lot or tick size, or refuse.

    The tick is a whole multiple of the original one: every price of before stays a price. Inverse
    contracts keep their lot, because their values are rounded per lot.
    """
    lot = contract.lot if lot is None else lot
    step = Decimal(contract.step)
    if tick_size is not None:
        step = tick_size * contract.ticks_per_unit
    if not 0 < lot <= contract.max_quantity:
        raise Refused(f"A lot of {lot} is out of range")
    if lot != contract.lot and contract.multiplier < 0:
        raise Refused("An inverse contract keeps its lot")
    if not 1 <= step <= LARGEST_STEP or step != int(step):
        raise Refused(f"The tick is 1 to {LARGEST_STEP} times the original one")
    return replace(contract, lot=lot, step=int(step))
