"""The REST routes: which handler answers a request, and who may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from api.simulator.accounts import Account
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
        self._public: Mapping[tuple[str, str], Public] = market.table()
        self._private: Mapping[tuple[str, str], Private] = users.table()
        self._trading: Mapping[tuple[str, str], Private] = orders.table()

    @property
    def known(self) -> Sequence[tuple[str, str]]:
        """Every (method, path) that is answered."""
        return [*self._public, *self._private, *self._trading]

    def handle(self, request: Request) -> Answer:
        """Answer a request; what is wrong with it becomes an error answer."""
        try:
            return Answer(200, self._body(request))
        except Refused as refusal:
            return refusal.answer()

    def _body(self, request: Request) -> Json:
        key = (request.method.upper(), request.path.rstrip("/"))
        given = Parameters(request.params)
        if key in self._public:
            return self._public[key](given)
        if key in self._private:
            return self._private[key](self._account(request), given)
        if key in self._trading:
            account = self._account(request)
            self._check_permission(request)
            return self._trading[key](account, given)
        raise Refused("Not Found", status=404)

    def _account(self, request: Request) -> Account:
        account = self._exchange.accounts.get(request.account or 0)
        if account is None or account.house:
            raise Refused("Authorization Required", status=401)
        return account

    @staticmethod
    def _check_permission(request: Request) -> None:
        allowed = {"order"}
        if request.method == "DELETE" or request.path.endswith("cancelAllAfter"):
            allowed.add("orderCancel")
        if not allowed & request.permissions:
            raise Refused("Access Denied", status=403)
