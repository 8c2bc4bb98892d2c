"""The REST routes: which handler answers a request, and who may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from api.simulator.accounts import Account
from api.simulator.catalog import CATALOG, Key, Route, key_of
from api.simulator.exchange import Exchange
from api.simulator.market_routes import MarketRoutes
from api.simulator.order_routes import OrderRoutes
from api.simulator.parameters import Parameters
from api.simulator.ports import Answer, Json, Request
from api.simulator.refusals import Refused
from api.simulator.user_routes import UserRoutes

Public = Callable[[Parameters], Json]
Private = Callable[[Account, Parameters], Json]


class Routes:
    """Answers requests."""

    def __init__(
        self,
        exchange: Exchange,
        market: MarketRoutes,
        users: UserRoutes,
        orders: OrderRoutes,
    ) -> None:
        self._exchange = exchange
        self._public: Mapping[Key, Public] = market.table()
        self._private: Mapping[Key, Private] = {**users.table(), **orders.table()}

    @property
    def known(self) -> Sequence[Key]:
        """Every (method, path) that is answered."""
        return [*self._public, *self._private]

    def handle(self, request: Request) -> Answer:
        """Answer a request; what is wrong with it becomes an error answer."""
        try:
            return Answer(200, self._body(request))
        except Refused as refusal:
            return refusal.answer()

    def _body(self, request: Request) -> Json:
        key = key_of(request.method, request.path)
        route = CATALOG.get(key)
        if route is None:
            raise Refused("Not Found", status=404)
        given = Parameters(request.params)
        if route.permissions is None:
            return self._public[key](given)
        return self._private[key](self._account(request, route), given)

    def _account(self, request: Request, route: Route) -> Account:
        account = self._exchange.accounts.get(request.account or 0)
        if account is None or account.house:
            raise Refused("Authorization Required", status=401)
        if route.permissions and not route.permissions & request.permissions:
            raise Refused("Access Denied", status=403)
        return account
