"""An example, simple rather than profitable: buy a dip, sell it again.

While the price is below its average of the last bars, the bot wants CAPITAL lots; while it is
above, none. It never takes a price: it waits with one limit order at the best bid or at the best
ask, and moves that order along at the end of each bar.
"""

import functions as function
from api.websockets import Websockets
from common.variables import Variables as var
from functions import Function


def init_variables(robot: dict):
    robot["PERIOD"] = 5  # bars of the average; the bot is not called before it has PERIOD + 1


def algo(robot: dict, frame: list, ticker: dict, instrument: dict) -> None:
    ws = Websockets.connect[robot["MARKET"]]
    closes = [bar["close"] for bar in frame[-robot["PERIOD"] :]]
    average = sum(closes) / len(closes)
    lot = robot["lotSize"] * instrument["myMultiplier"]  # in contracts
    wanted = robot["CAPITAL"] * lot if closes[-1] < average else 0
    missing = wanted - robot["POS"]
    if missing > 0:
        keep_order(ws, robot, "Buy", ticker["bid"], missing, instrument)
    elif missing < 0:
        keep_order(ws, robot, "Sell", ticker["ask"], -missing, instrument)
    else:
        delete_orders(ws, robot["EMI"], sides=("Buy", "Sell"))


def keep_order(ws, robot: dict, side: str, price: float, qty: float, instrument: dict) -> None:
    """Have exactly one order, on this side, with this price and rest."""
    other = "Sell" if side == "Buy" else "Buy"
    delete_orders(ws, robot["EMI"], sides=(other,))
    price = function.ticksize_rounding(price=price, ticksize=instrument["tickSize"])
    for clOrdID, order in var.orders.items():
        if order["emi"] == robot["EMI"]:
            # Nothing is sent when the order stands there already.
            Function.put_order(ws, clOrdID=clOrdID, price=price, qty=qty)
            return
    Function.post_order(
        ws,
        name=robot["MARKET"],
        symbol=robot["SYMBOL"],
        emi=robot["EMI"],
        side=side,
        price=price,
        qty=qty,
    )


def delete_orders(ws, emi: str, sides: tuple) -> None:
    for clOrdID, order in var.orders.items():
        if order["emi"] == emi and order["side"] in sides:
            Function.del_order(ws, clOrdID=clOrdID)
