"""A long random session of several accounts, and what must hold at any moment of it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from api.simulator.ports import Request
from api.simulator.refusals import Refused
from api.simulator.venue import DEMO_ACCOUNT, Customer, LiveVenue

BEGIN = datetime(2026, 12, 25, 11, 50, tzinfo=timezone.utc)  # before a funding and an expiry
ACCOUNTS = tuple(DEMO_ACCOUNT + number for number in range(4))
LOTS = {"XBTUSD": 100, "XBTUSDT": 100, "SOLUSDT": 100, "ETHUSD": 1, "XBT_USDT": 1_000}
FUTURES = ("XBTZ26", "XBTH27")
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"ordType": "Market", "price": None},
    {"timeInForce": "ImmediateOrCancel"},
    {"timeInForce": "FillOrKill"},
    {"timeInForce": "Day"},
    {"execInst": "ParticipateDoNotInitiate"},
    {"execInst": "ReduceOnly"},
    {"execInst": "ReduceOnly"},
    {"execInst": "Close", "orderQty": None},
    {"displayQty": 0},
    {"displayQty": 1_000},
    {"ordType": "Stop", "price": None, "stopPx": True},
    {"ordType": "StopLimit", "stopPx": True, "execInst": "LastPrice"},
    {"ordType": "LimitIfTouched", "stopPx": True, "execInst": "IndexPrice,ReduceOnly"},
    {"ordType": "Stop", "price": None, "pegPriceType": "TrailingStopPeg", "pegOffsetValue": True},
    {"ordType": "Pegged", "price": None, "pegPriceType": "PrimaryPeg", "pegOffsetValue": 0,
     "execInst": "Fixed"},
    {"clOrdLinkID": "pair", "contingencyType": "OneCancelsTheOther"},
    {"clOrdLinkID": "chain", "contingencyType": "OneTriggersTheOther"},
    {"clOrdLinkID": "chain"},
)  # fmt: skip
WORK = ("place",) * 10 + ("amend",) * 3 + ("cancel", "cancel", "wait", "wait", "wait")
RARE = ("all", "move", "fill", "credit", "funding", "leverage", "switch", "liquidate")


@dataclass
class Marathon:
    """A venue, a source of chance and a digest of everything that was said."""

    seed: int
    now: datetime = BEGIN
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.digest = hashlib.sha256()
        customers = [Customer(number, f"trader{number}") for number in ACCOUNTS]
        self.venue = LiveVenue(seed=self.seed, now=BEGIN, accounts=customers)

    def run(self, operations: int, *, check_every: int) -> None:
        """Do many things, and look at everything every now and then."""
        for number in range(operations):
            self.step()
            if number % check_every == 0:
                events = self.venue.drain()
                self.note([[e.table, e.action.value, list(e.rows), e.account] for e in events])
                self.check()
        self.check()

    def step(self) -> None:
        """Do one random thing as a random account."""
        random = self.random
        what = random.choice(RARE) if random.random() < 0.06 else random.choice(WORK)
        account = random.choice(ACCOUNTS)
        try:
            getattr(self, f"do_{what}")(account)
        except Refused as refusal:
            self.note(refusal.message)
            what = "refused"
        self.counts[what] += 1

    def ask(self, method: str, path: str, account: int, **params: Any) -> Any:
        """Send a request; return the body whether it was refused or not."""
        request = Request(method, path, params, account, frozenset({"order"}))
        answer = self.venue.handle(request)
        self.note([answer.status, answer.body])
        self.counts[f"{method} {path} {answer.status}"] += 1
        return answer.body

    def note(self, said: object) -> None:
        """Add to the digest."""
        self.digest.update(json.dumps(said, sort_keys=True, default=str).encode())

    # ---- what can happen --------------------------------------------------------------------

    def do_place(self, account: int) -> None:
        """Place any kind of order around the market."""
        random, symbol = self.random, self.some_symbol()
        row = self.ask("GET", "/instrument", account, symbol=symbol)[0]
        tick, middle = row["tickSize"], row.get("midPrice") or row["lastPrice"]
        reach = random.choice((2, 20, 80))
        price = round(round(middle / tick + random.randint(-reach, reach)) * tick, 6)
        side = random.choice(("Buy", "Sell"))
        quantity = random.randint(1, 60) * row["lotSize"]
        params = {"symbol": symbol, "side": side, "orderQty": quantity, "price": price}
        params |= random.choice(KINDS)
        if params.get("stopPx"):
            params["stopPx"] = price
        if params.get("pegOffsetValue"):
            params["pegOffsetValue"] = (1 if side == "Buy" else -1) * random.randint(1, 90) * tick
        if random.random() < 0.3:
            params["clOrdID"] = f"id{random.randint(1, 30)}"
        self.ask("POST", "/order", account, **params)

    def do_amend(self, account: int) -> None:
        """Amend an open order, or one that was filled just now."""
        random = self.random
        only = {"filter": {"open": True}} if random.random() < 0.8 else {}
        orders = self.ask("GET", "/order", account, reverse=True, count=30, **only)
        if orders:
            order = random.choice(orders)
            params: dict[str, Any] = {"orderID": order["orderID"]}
            if random.random() < 0.6:
                lot = self.ask("GET", "/instrument", account, symbol=order["symbol"])[0]["lotSize"]
                params[random.choice(("leavesQty", "orderQty"))] = random.randint(0, 60) * lot
            if "price" in order and random.random() < 0.6:
                params["price"] = round(order["price"] * random.uniform(0.9995, 1.0005), 1)
            self.ask("PUT", "/order", account, **params)

    def do_cancel(self, account: int) -> None:
        """Cancel an order, open or not."""
        orders = self.ask("GET", "/order", account, reverse=True, count=20)
        if orders:
            self.ask("DELETE", "/order", account, orderID=self.random.choice(orders)["orderID"])

    def do_all(self, account: int) -> None:
        """Cancel everything of one instrument."""
        self.ask("DELETE", "/order/all", account, symbol=self.some_symbol())

    def do_switch(self, account: int) -> None:
        """Arm the dead man's switch."""
        self.ask("POST", "/order/cancelAllAfter", account, timeout=self.random.randint(0, 5_000))

    def do_leverage(self, account: int) -> None:
        """Isolate a position, or not."""
        leverage = self.random.choice((0, 0, 3, 25, 100))
        self.ask("POST", "/position/leverage", account, symbol="XBTUSDT", leverage=leverage)

    def do_wait(self, _account: int) -> None:
        """Let time pass."""
        self.now += timedelta(milliseconds=self.random.randint(1, 4_000))
        self.venue.advance(self.now)

    def do_move(self, _account: int) -> None:
        """Move a price."""
        asset = self.random.choice(("XBT", "ETH", "SOL"))
        self.venue.interventions.move_market(asset, self.random.uniform(0.985, 1.015))

    def do_fill(self, account: int) -> None:
        """Fill a resting order."""
        orders = self.ask("GET", "/order", account, filter={"open": True})
        resting = [order for order in orders if order["workingIndicator"]]
        if resting:
            self.venue.interventions.fill_order(self.random.choice(resting)["orderID"])

    def do_credit(self, account: int) -> None:
        """Deposit or withdraw."""
        amount = self.random.randint(-(10**6), 10**6)
        self.venue.interventions.credit(account, self.random.choice(("XBt", "USDt")), amount)

    def do_funding(self, _account: int) -> None:
        """Pay funding out of turn."""
        symbol, rate = self.random.choice(("XBTUSD", "ETHUSD")), self.random.randint(-300, 300)
        self.venue.interventions.force_funding(symbol, rate)

    def do_liquidate(self, account: int) -> None:
        """Take over an account, seldom."""
        if self.random.random() < 0.2:
            self.venue.interventions.liquidate(account)

    def some_symbol(self) -> str:
        """Return a symbol; the futures trade one after the other."""
        future = FUTURES[self.now >= datetime(2026, 12, 25, 12, tzinfo=timezone.utc)]
        return self.random.choice([*LOTS, future])

    # ---- what must hold ---------------------------------------------------------------------

    def check(self) -> None:
        """Check every account and the market."""
        truth: Any = self.venue.interventions.truth()
        assert truth["money"] == truth["deposited"]
        assert not any(truth["contracts"].values())
        for account in ACCOUNTS:
            self.check_account(account)
        self.check_market(truth)

    def get(self, path: str, account: int, **params: Any) -> Any:
        """Read without leaving a trace in the digest."""
        request = Request("GET", path, params, account, frozenset())
        answer = self.venue.handle(request)
        assert answer.status == 200, answer.body
        return answer.body

    def check_account(self, account: int) -> None:
        """Check what an account is told against itself."""
        positions = self.get("/position", account)
        margins = self.get("/user/margin", account, currency="all")
        for row in margins:
            own = [p for p in positions if p.get("currency") == row["currency"]]
            check_margin(row, own)
        for row in positions:
            if "currency" in row:
                check_position(row)
        self.check_orders(account, positions)
        self.check_wallet(account)

    def check_orders(self, account: int, positions: Any) -> None:
        """Check orders against their executions and the positions they may reduce."""
        held = {row["symbol"]: row["currentQty"] or 0 for row in positions}
        rows = self.get("/execution/tradeHistory", account, count=500, reverse=True)
        complete = len(rows) < 500
        filled = Counter[str]()
        for row in rows:
            filled[row.get("orderID", "")] += row["lastQty"]
        reducing = Counter[tuple[str, str]]()
        names = Counter[str]()
        for order in self.get("/order", account, count=500, reverse=True):
            is_open = order["ordStatus"] in ("New", "PartiallyFilled")
            if complete:
                assert order["cumQty"] == filled[order["orderID"]], order
            assert order["leavesQty"] == (order["orderQty"] - order["cumQty"] if is_open else 0)
            assert order["workingIndicator"] <= is_open
            if is_open and "clOrdID" in order:
                names[order["clOrdID"]] += 1
            inst = order.get("execInst", "")
            if order["workingIndicator"] and ("ReduceOnly" in inst or "Close" in inst):
                reducing[order["symbol"], order["side"]] += order["leavesQty"]
        assert all(count == 1 for count in names.values()), names
        for (symbol, side), quantity in reducing.items():
            assert held[symbol] * (1 if side == "Buy" else -1) < 0
            assert quantity <= abs(held[symbol]), (symbol, quantity, held[symbol])

    def check_wallet(self, account: int) -> None:
        """Check that the history of the wallet chains up to the balance."""
        history = self.get("/user/walletHistory", account, currency="all", count=10_000)
        chain: dict[str, int] = {}
        for row in reversed(history):
            if "transactID" in row:
                chain[row["currency"]] = chain.get(row["currency"], 0) + row["amount"]
                assert row["walletBalance"] == chain[row["currency"]], row
        for row in self.get("/user/wallet", account, currency="all"):
            assert row["amount"] == chain[row["currency"]]

    def check_market(self, truth: Any) -> None:
        """Check that no book is crossed and that open interest is what is held long."""
        for row in self.get("/instrument", ACCOUNTS[0], count=500):
            if row.get("state") == "Open" and "bidPrice" in row and "askPrice" in row:
                assert row["bidPrice"] < row["askPrice"], row["symbol"]
            if row["typ"].startswith("FF"):
                long = sum(
                    max(0, a["positions"].get(row["symbol"], {}).get("quantity", 0))
                    for a in truth["accounts"]
                )
                assert row["openInterest"] == long, row["symbol"]


def check_margin(row: Any, positions: Any) -> None:
    """Check the identities of a margin account."""
    free = row["marginBalance"] - row["initMargin"] - row["maintMargin"]
    assert row["walletBalance"] == row["amount"]
    assert row["marginBalance"] == row["walletBalance"] + row["unrealisedPnl"]
    assert row["availableMargin"] == row["excessMargin"] == free
    assert row["withdrawableMargin"] == free - max(0, row["unrealisedPnl"])
    assert row["riskValue"] == row["grossMarkValue"] + row["grossOpenCost"]
    assert row["unrealisedPnl"] == sum(p["unrealisedPnl"] for p in positions)
    assert row["grossMarkValue"] == sum(abs(p["markValue"]) for p in positions)
    assert row["maintMargin"] == sum(p["maintMargin"] for p in positions)
    assert row["riskValue"] == sum(p["riskValue"] for p in positions)
    if row["marginBalance"] > 0:
        used = row["initMargin"] + row["maintMargin"]
        assert row["marginLeverage"] == round(row["grossMarkValue"] / row["marginBalance"], 4)
        assert row["marginUsedPcnt"] == round(used / row["marginBalance"], 4)


def check_position(row: Any) -> None:
    """Check the identities of a position."""
    quantity, inverse = row["currentQty"], row["symbol"].startswith("XBT") and row[
        "quoteCurrency"
    ] == "USD"  # fmt: skip
    assert row["unrealisedPnl"] == row["markValue"] - row["unrealisedCost"]
    assert row["currentCost"] == row["posCost"] == row["unrealisedCost"] + row["realisedCost"]
    assert (row["currentCost"] == 0) == (quantity == 0)
    bought = (quantity > 0) != inverse
    for name in ("markValue", "unrealisedCost"):
        assert quantity == 0 or (row[name] > 0) == bought, (name, row)
    assert row["homeNotional"] * quantity >= 0
    assert row["foreignNotional"] * quantity <= 0
    assert row["isOpen"] == bool(quantity or row["openOrderBuyQty"] or row["openOrderSellQty"])
    sign = -1 if inverse else 1
    assert row["openOrderBuyCost"] * sign >= 0
    assert row["openOrderSellCost"] * sign >= 0
