"""Example: go with the direction of the last bars, waiting beside the market (function style).

The close is compared with the one PERIOD bars ago. Higher: the bot wants to be long with all of its
CAPITAL, lower: short. It never takes a price. Its one order waits a part of the last bar's range
away from the best price, and moves along at the end of each bar.

What to learn here: the function style, declared parameters, keeping exactly one order.
"""

from api.websockets import Websockets
from bots.api import Parameter, parameters
from common.variables import Variables as var
from functions import Function, ticksize_rounding


# A form in the window asks for these; the values are in `robot` under the same names. The bot is
# not called before it has PERIOD + 1 bars.
@parameters(
    PERIOD=Parameter(10, low=1, high=500, help="bars to look back"),
    INDENT=Parameter(3, low=1, high=20, help="the order waits 1/INDENT of the last bar away"),
)
def algo(robot: dict, frame: list, ticker: dict, instrument: dict) -> None:
    """Go with the direction of the last bars, waiting beside the market."""
    last, before = frame[-1], frame[-1 - robot["PERIOD"]]
    lot = robot["lotSize"] * instrument["myMultiplier"]  # contracts
    most = robot["CAPITAL"] * lot
    away = (last["high"] - last["low"]) / robot["INDENT"]
    if last["close"] > before["close"]:
        wanted, side, price = most, "Buy", ticker["bid"] - away
    elif last["close"] < before["close"]:
        wanted, side, price = -most, "Sell", ticker["ask"] + away
    else:
        return  # no direction: everything stays as it is
    price = ticksize_rounding(price=price, ticksize=instrument["tickSize"])
    keep_one_order(robot, side, price, abs(wanted - robot["POS"]))


def keep_one_order(robot: dict, side: str, price: float, qty: float) -> None:
    """Have one order on this side, with this price and rest, and none on the other side."""
    ws = Websockets.connect[robot["MARKET"]]
    mine = {key: order for key, order in var.orders.items() if order["emi"] == robot["EMI"]}
    for key, order in mine.items():
        if order["side"] != side or qty == 0:
            Function.del_order(ws, clOrdID=key)
    same = [key for key, order in mine.items() if order["side"] == side]
    if qty == 0:
        return
    if same:
        # Nothing is sent when the order stands there already, so it keeps its place in the queue.
        Function.put_order(ws, clOrdID=same[0], price=price, qty=qty)
    else:
        Function.post_order(
            ws,
            name=robot["MARKET"],
            symbol=robot["SYMBOL"],
            emi=robot["EMI"],
            side=side,
            price=price,
            qty=qty,
        )
