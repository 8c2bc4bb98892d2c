"""The parts of an exchange that act on its state, for those who need all of them."""

from __future__ import annotations

from dataclasses import dataclass

from api.simulator.engine import Engine
from api.simulator.liquidation import Liquidation
from api.simulator.market import Population
from api.simulator.payments import Payments
from api.simulator.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Parts:
    """Who does what."""

    engine: Engine
    payments: Payments
    population: Population
    liquidation: Liquidation
    schedule: Schedule
