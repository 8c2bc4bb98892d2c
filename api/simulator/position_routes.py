"""Routes that change what backs a position: leverage, isolation, risk limit, margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from api.simulator.accounts import Account, Position
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.margin import margin
from api.simulator.parameters import Parameters
from api.simulator.ports import Json, Row
from api.simulator.queries import resolve
from api.simulator.refusals import Refused, invalid

_MAX_LEVERAGE = 100.0
_MAX_RISK_STEPS = 50  # margin of 100 % at the latest


class PositionRoutes:
    """Answers requests about the backing of positions."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def table(self) -> Mapping[tuple[str, str], Callable[[Account, Parameters], Json]]:
        """Return the handlers by method and path."""
        return {
            ("POST", "/position/leverage"): self.leverage,
            ("POST", "/position/isolate"): self.isolate,
            ("POST", "/position/riskLimit"): self.risk_limit,
            ("POST", "/position/transferMargin"): self.transfer_margin,
        }

    def leverage(self, account: Account, given: Parameters) -> Row:
        """Isolate a position with a leverage, or with 0 margin it with the whole account."""
        given.require("symbol", "leverage")
        leverage = given.number("leverage")
        assert leverage is not None
        if not 0 <= leverage <= int(_MAX_LEVERAGE):
            raise Refused("Invalid leverage")
        return self._back(account, given, leverage=float(leverage))

    def isolate(self, account: Account, given: Parameters) -> Row:
        """Isolate a position, or margin it with the whole account."""
        given.require("symbol")
        enabled = given.flag("enabled") if "enabled" in given else True
        return self._back(account, given, leverage=_MAX_LEVERAGE if enabled else 0.0)

    def risk_limit(self, account: Account, given: Parameters) -> Row:
        """Set how much a position may be worth; each step above the base asks for more margin."""
        given.require("symbol", "riskLimit")
        limit = given.integer("riskLimit")
        contract = self._instrument(given).contract
        base, step = contract.risk_limit or 0, contract.risk_step or 1
        assert limit is not None
        if limit < base or (limit - base) % step or (limit - base) // step > _MAX_RISK_STEPS:
            raise Refused("Invalid riskLimit")
        instrument, position = self._held(account, given)
        if instrument.value_at_mark(position.quantity) > limit:
            raise Refused("Value of position and orders exceeds position Risk Limit")
        return self._back(account, given, risk_limit=0 if limit == base else limit)

    def transfer_margin(self, account: Account, given: Parameters) -> Row:
        """Add margin to an isolated position, or take what was added back."""
        given.require("symbol", "amount")
        amount = given.integer("amount")
        assert amount is not None
        _, position = self._held(account, given)
        if not position.quantity:
            raise Refused("Position is not open")
        if not position.leverage:
            raise Refused("Position is not isolated")
        if position.transferred + amount < 0:
            raise invalid("amount is invalid")
        return self._back(account, given, transferred=position.transferred + amount)

    def _instrument(self, given: Parameters) -> Instrument:
        exchange = self._exchange
        instrument = exchange.instrument(resolve(exchange, given.text("symbol")) or "")
        if instrument.contract.is_spot:
            raise Refused("Invalid symbol")
        return instrument

    def _held(self, account: Account, given: Parameters) -> tuple[Instrument, Position]:
        instrument = self._instrument(given)
        return instrument, account.position(instrument.contract)

    def _back(self, account: Account, given: Parameters, **figures: float) -> Row:
        """Change figures of a position if the account can afford what they bind."""
        exchange = self._exchange
        instrument, position = self._held(account, given)
        currency = instrument.contract.money
        before = {name: getattr(position, name) for name in (*figures, "transferred")}
        now = margin(account, currency, exchange.instruments, exchange.time)
        for name, value in figures.items():
            setattr(position, name, value)
        if not position.leverage:
            position.transferred = 0  # the whole account backs the position now
        then = margin(account, currency, exchange.instruments, exchange.time)
        growth = now.available - then.available
        if growth > max(0, now.available):
            for name, value in before.items():
                setattr(position, name, value)
            raise Refused(
                f"Account has insufficient Available Balance, {growth} {currency} required",
                name="CodedHTTPError",
                details="19000",
            )
        position.touched = exchange.time
        exchange.feed.position(account, instrument.symbol)
        return exchange.feed.position_row(account, instrument.symbol)
