"""The control routes: what a test or a teacher may do to the exchange. No sockets.

They stand below /control, are unsigned, count in no limit and answer JSON; their errors have the
shape of all others. `GET /control` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from api.simulator.encoding import iso
from api.simulator.faults import Faults
from api.simulator.interventions import Interventions
from api.simulator.market_time import MarketTime
from api.simulator.parameters import Parameters
from api.simulator.ports import Answer, ApiKey, Json, Row, Venue
from api.simulator.refusals import Refused, invalid
from api.simulator.venue import LiveVenue

Handler = Callable[[Parameters], Json]

ROUTES: Mapping[tuple[str, str], str] = {
    ("GET", ""): "this list",
    ("GET", "/truth"): "the integer books of every account",
    ("POST", "/market"): "asset, factor: multiply a price from now on",
    ("POST", "/fill"): "orderID, or account and clOrdID; quantity, parts: trade with an order",
    ("POST", "/funding"): "symbol, rate: pay funding now",
    ("POST", "/expire"): "symbol: settle a contract now",
    ("POST", "/delist"): "symbol: settle a contract and unlist it",
    ("POST", "/respecify"): "symbol, lotSize, tickSize: change a contract",
    ("POST", "/liquidate"): "account: take over all its positions",
    ("POST", "/credit"): "account, currency, amount: deposit, or withdraw where negative",
    ("POST", "/account"): "account, username, money, permissions: open an account with a key",
    ("POST", "/key"): "account, permissions: a further key",
    ("DELETE", "/key"): "key: revoke it and end its streams",
    ("GET", "/clock"): "the time of the market and its speed",
    ("POST", "/clock"): "speed, step: run at another speed, go on by seconds at once",
    ("GET", "/faults"): "all faults, the rules in force, how often each fault bit",
    ("POST", "/faults"): "a rule, or seed and rules: let something go wrong",
    ("DELETE", "/faults"): "drop all rules",
}


class Control:
    """Answers the control routes of one exchange."""

    def __init__(
        self,
        venue: Venue,
        faults: Faults,
        time: MarketTime | None = None,
        *,
        on_revoked: Callable[[str], None] = lambda _key: None,
    ) -> None:
        self._venue = venue
        self._faults = faults
        self._time = time
        self._on_revoked = on_revoked  # is told a key whose streams have to end
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", ""): lambda _: [
                {"method": method, "path": f"/control{path}", "does": text}
                for (method, path), text in ROUTES.items()
            ],
            ("GET", "/truth"): lambda _: self._owner.truth(),
            ("POST", "/market"): self._market,
            ("POST", "/fill"): self._fill,
            ("POST", "/funding"): self._funding,
            ("POST", "/expire"): lambda given: self._owner.expire(_symbol(given)),
            ("POST", "/delist"): lambda given: self._owner.delist(_symbol(given)),
            ("POST", "/respecify"): self._respecify,
            ("POST", "/liquidate"): lambda given: self._owner.liquidate(_whole(given, "account")),
            ("POST", "/credit"): self._credit,
            ("POST", "/account"): self._account,
            ("POST", "/key"): lambda given: self._key(_whole(given, "account"), given),
            ("DELETE", "/key"): self._revoke,
            ("GET", "/clock"): lambda _: self._shown_clock(),
            ("POST", "/clock"): self._set_clock,
            ("GET", "/faults"): lambda _: self._faults.report(),
            ("POST", "/faults"): lambda given: self._faults.arm(given.all()),
            ("DELETE", "/faults"): lambda _: self._faults.disarm(),
        }

    def handle(self, method: str, path: str, params: Mapping[str, Json]) -> Answer:
        """Answer a request for `path` below /control; nothing given back is {"done": true}."""
        try:
            handler = self._handlers.get((method, path.rstrip("/")))
            if handler is None:
                raise Refused("Not Found: GET /control lists the routes", status=404)
            body = handler(Parameters(params))
        except Refused as refusal:
            return refusal.answer()
        return Answer(200, {"done": True} if body is None else body)

    @property
    def _owner(self) -> Interventions:
        if not isinstance(self._venue, LiveVenue):
            raise Refused("A replayed market cannot be changed", status=409)
        return self._venue.interventions

    def _market(self, given: Parameters) -> None:
        given.require("asset", "factor")
        factor = given.number("factor")
        assert factor is not None
        self._owner.move_market(given.text("asset") or "", float(factor))

    def _fill(self, given: Parameters) -> Row:
        order_id = given.text("orderID")
        if order_id is None:
            given.require("account", "clOrdID")
            order_id = self._owner.resting_order(
                _whole(given, "account"), given.text("clOrdID") or ""
            )
        parts = given.integer("parts") or 1
        filled = self._owner.fill_order(order_id, given.integer("quantity"), parts)
        return {"orderID": order_id, "filled": filled}

    def _funding(self, given: Parameters) -> None:
        rate = given.number("rate")
        ppm = None if rate is None else int((rate * 1_000_000).to_integral_value())
        self._owner.force_funding(_symbol(given), ppm)

    def _respecify(self, given: Parameters) -> None:
        self._owner.respecify(
            _symbol(given), given.integer("lotSize"), tick_size=given.number("tickSize")
        )

    def _credit(self, given: Parameters) -> Row:
        given.require("currency", "amount")
        currency, amount = given.text("currency") or "", given.integer("amount") or 0
        balance = self._owner.credit(_whole(given, "account"), currency, amount)
        return {"currency": currency, "walletBalance": balance}

    def _account(self, given: Parameters) -> Row:
        money = given.mapping("money")
        if not all(type(amount) is int for amount in money.values()):
            raise invalid("money is invalid: whole numbers of the smallest unit by currency")
        amounts = {name: amount for name, amount in money.items() if isinstance(amount, int)}
        number = self._owner.open_account(given.integer("account"), given.text("username"), amounts)
        return self._key(number, given)

    def _key(self, number: int, given: Parameters) -> Row:
        wanted = given.texts("permissions") if "permissions" in given else ["order"]
        key: ApiKey = self._owner.add_key(number, wanted)
        permissions: list[Json] = [*sorted(key.permissions)]
        return {
            "account": number,
            "key": key.key,
            "secret": key.secret,
            "permissions": permissions,
        }

    def _set_clock(self, given: Parameters) -> Row:
        speed, step = given.number("speed"), given.number("step")
        if speed is not None:
            self._clock.set_speed(float(speed))
        if step is not None:
            self._clock.step(float(step))
            self._venue.advance(self._clock.now())
        return self._shown_clock()

    def _shown_clock(self) -> Row:
        return {"now": iso(self._clock.now()), "speed": self._clock.speed}

    @property
    def _clock(self) -> MarketTime:
        if self._time is None:
            raise Refused("The clock of this exchange is in other hands", status=409)
        return self._time

    def _revoke(self, given: Parameters) -> None:
        given.require("key")
        name = given.text("key") or ""
        self._owner.revoke_key(name)
        self._on_revoked(name)


def _symbol(given: Parameters) -> str:
    given.require("symbol")
    return given.text("symbol") or ""


def _whole(given: Parameters, name: str) -> int:
    given.require(name)
    number = given.integer(name)
    assert number is not None
    return number
