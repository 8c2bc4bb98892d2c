"""Everything known of one market: the only mutable trading state, owned by the engine's thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from common.domain.account import Account, Margin, Position
from common.domain.books import SIDE_FUNDING, AccountKey, Balance, Books, Entry
from common.domain.bots import OnStop
from common.domain.executions import Executed, Network
from common.domain.instruments import Currency, Instrument, Symbol
from common.domain.money import closing_value
from common.domain.orders import Order
from common.domain.robots import Robot, Status
from common.domain.trading_limits import TradingLimits
from common.engine import robots as robot_rules
from common.engine.orders import LiveOrder, OrderMirror
from common.engine.ports import Gateway

ROWS = (Status.WORK, Status.OFF, Status.ERROR)  # what a row of `robots` may be
KEEP_ROWS = 500  # of the Trades and Funding tabs each


class MarketState:
    """Instruments, account, books, orders and bots of one market."""

    def __init__(
        self,
        market: str,
        network: Network,
        symbols: Sequence[Symbol],
        dead_man: int = 0,
        limits: TradingLimits | None = None,
    ) -> None:
        self.market = market
        self.network = network
        self.symbols = tuple(symbols)
        self.dead_man = dead_man  # seconds of the dead man's switch; 0: none is wanted
        self.limits = limits or TradingLimits()
        self.account: Account | None = None
        self.read_only = False  # another terminal writes the books and trades
        self.exits_only = False  # bots may only reduce their positions
        self.unbooked: dict[str, Executed] = {}  # handed to the ledger and not durable yet
        self.instruments: dict[Symbol, Instrument] = {}
        self.currencies: dict[str, Currency] = {}
        self.positions: dict[Symbol, Position] = {}
        self.margins: dict[str, Margin] = {}
        self.orders = OrderMirror()
        self.robots: dict[str, Robot] = {}
        self.failed_bots: dict[str, tuple[Status, str]] = {}  # emi -> what stopped it, and why
        self.policies: dict[str, OnStop] = {}  # by emi; absent: LEAVE
        self.balances: dict[tuple[str, Symbol, str], Balance] = {}
        self.trades: deque[Entry] = deque(maxlen=KEEP_ROWS)  # newest first
        self.funding: deque[Entry] = deque(maxlen=KEEP_ROWS)

    @property
    def key(self) -> AccountKey:
        """Whose books these are; only known once the account is."""
        if self.account is None:
            raise RuntimeError("the account is not known yet")
        return AccountKey(self.market, self.network, self.account.number)

    def open_books(self, books: Books) -> None:
        """Start from what the ledger knows."""
        self.read_only = books.read_only
        self.policies = dict(books.policies)
        self.balances = {(b.emi, b.symbol, b.currency): b for b in books.balances}
        self.trades = deque(books.recent_trades, maxlen=KEEP_ROWS)
        self.funding = deque(books.recent_funding, maxlen=KEEP_ROWS)
        self.robots = robot_rules.assemble(books, self.symbols, self.instruments)
        for emi, (status, problem) in self.failed_bots.items():
            if emi in self.robots:
                self.set_status(emi, status, problem)
        for order in self.orders:  # some may have been seen before the books were
            order.emi = self.emi_of(order)

    def take_entries(self, entries: Iterable[Entry]) -> None:
        """Follow rows that are durable in the books."""
        for entry in entries:
            balance = self._balance(entry)
            balance.add(entry)
            self._show_bot(entry.emi, entry.symbol)
            if entry.side == SIDE_FUNDING:
                self.funding.appendleft(entry)
            elif entry.quantity:  # else another currency of a trade that is shown already
                self.trades.appendleft(entry)

    def emi_of(self, order: Order | LiveOrder) -> str:
        """Return the bot that an order belongs to, made visible if it is new."""
        emi = robot_rules.owner(order.cl_ord_id, order.symbol, self.robots)
        self._show_bot(emi, order.symbol)
        return emi

    def position(self, emi: str, symbol: Symbol) -> int:
        """Return a bot's position in contracts, long > 0."""
        return sum(b.position for b in self._of(emi) if b.symbol == symbol)

    def durable(self, exec_ids: Iterable[str]) -> None:
        """Executions are in the books."""
        for exec_id in exec_ids:
            self.unbooked.pop(exec_id, None)

    def booked_position(self, symbol: Symbol) -> int:
        """Return the contracts of a symbol that all bots together have by the books."""
        return sum(b.position for b in self.balances.values() if b.symbol == symbol)

    def volume(self, emi: str, symbol: Symbol) -> int:
        """Return the contracts of a symbol that a bot has traded."""
        return sum(b.volume for b in self._of(emi) if b.symbol == symbol)

    def pnl(self, robot: Robot, gateway: Gateway) -> int | None:
        """Return SUMREAL - COMMISS of a bot plus the value of closing its position now.

        Smallest unit of the settlement currency: rows in another currency (a fee of a spot trade)
        cannot be added, nor can what is still open in another symbol. A long position is closed
        at the bid, a short one at the ask; None while the book has no such price, or for a symbol
        that is not known.
        """
        instrument = self.instruments.get(robot.symbol)
        if instrument is None:
            return None
        currency = instrument.settlement_currency
        result = sum(
            b.sum_real - b.commission - b.funding
            for b in self._of(robot.emi)
            if b.currency == currency and (b.symbol == robot.symbol or not b.position)
        )
        position = self.position(robot.emi, robot.symbol)
        if not position:
            return result
        ticker = gateway.ticker(robot.symbol)
        price = ticker.bid if position > 0 else ticker.ask
        if not price:
            return None
        return result + closing_value(instrument, price, position, self.scale(currency))

    def scale(self, currency: str) -> int:
        """Return the decimal places of a currency's smallest unit; 0 (raw units) if unknown."""
        known = self.currencies.get(currency)
        return known.scale if known else 0

    def set_status(self, emi: str, status: Status, problem: str = "") -> None:
        """Change what a bot may do."""
        self.robots[emi] = replace(self.robots[emi], status=status, problem=problem)

    def put_robot(self, robot: Robot) -> None:
        """Take a row of `robots` in, new or changed, at its place in the list."""
        others = [each for each in self.robots.values() if each.emi != robot.emi]
        rows = [each for each in others if each.status in ROWS]
        rest = [each for each in others if each.status not in ROWS]
        rows = sorted([*rows, robot], key=lambda each: (each.sort, each.emi))
        self.robots = {each.emi: each for each in [*rows, *rest]}

    def drop_robot(self, emi: str) -> None:
        """Forget a bot whose row is gone."""
        self.robots.pop(emi, None)
        self.failed_bots.pop(emi, None)
        self.policies.pop(emi, None)

    def drop_flat_strays(self) -> None:
        """Forget NOT DEFINED bots that have neither a position nor orders left."""
        busy = {order.emi for order in self.orders}
        for emi, robot in list(self.robots.items()):
            if (
                robot.status is Status.NOT_DEFINED
                and emi not in busy
                and not self.position(emi, robot.symbol)
            ):
                del self.robots[emi]

    def _of(self, emi: str) -> list[Balance]:
        return [b for key, b in self.balances.items() if key[0] == emi]

    def _balance(self, entry: Entry) -> Balance:
        key = (entry.emi, entry.symbol, entry.currency)
        if key not in self.balances:
            self.balances[key] = Balance(entry.emi, entry.symbol, entry.currency)
        return self.balances[key]

    def _show_bot(self, emi: str, symbol: Symbol) -> None:
        if emi in self.robots:
            return
        robot = robot_rules.stray(self.market, emi, symbol)
        if symbol not in self.symbols:
            robot = replace(robot, status=Status.NOT_IN_LIST)
        self.robots[emi] = robot
