"""A strategy of our own that does what the specification's example does, and that example."""

from __future__ import annotations

import re

from tests.support.places import SHARED

STRATEGY = '''
import functions as function
from api.websockets import Websockets
from common.variables import Variables as var
from functions import Function


def algo(robot, frame, ticker, instrument):
    """Follow the price of ten bars ago with one resting order."""
    size = robot["lotSize"] * robot["CAPITAL"] * instrument["myMultiplier"]
    distance = (frame[-1]["hi"] - frame[-1]["lo"]) / 3
    before = frame[-1 - robot["PERIOD"]]
    if frame[-1]["ask"] > before["ask"]:
        follow(robot, instrument, "Buy", ticker["bid"] - distance, size - robot["POS"], size)
    elif frame[-1]["bid"] <= before["bid"]:
        follow(robot, instrument, "Sell", ticker["ask"] + distance, size + robot["POS"], size)


def follow(robot, instrument, side, price, qty, size):
    price = function.ticksize_rounding(price=price, ticksize=instrument["tickSize"])
    ws = Websockets.connect[robot["MARKET"]]
    if robot["POS"] * (1 if side == "Buy" else -1) >= size:
        return
    mine = {o["side"]: key for key, o in var.orders.items() if o["emi"] == robot["EMI"]}
    if side in mine:
        Function.put_order(ws, clOrdID=mine[side], price=price, qty=qty)
        return
    Function.post_order(ws, name=robot["MARKET"], symbol=robot["SYMBOL"], emi=robot["EMI"],
                        side=side, price=price, qty=qty)
    for other, key in mine.items():
        if other != side:
            Function.del_order(ws, clOrdID=key)


def init_variables(robot):
    robot["PERIOD"] = 10
'''


def specified() -> dict[str, str]:
    """Return `init.py` and `strategy.py` as they stand in the specification."""
    text = (SHARED / "specification.md").read_text(encoding="utf-8")
    chapter = text.split("## Add trading algorithm")[1]
    blocks = re.findall(r"```python\n(.*?)```", chapter, flags=re.DOTALL)
    return {
        "init.py": next(block for block in blocks if "def init_algo" in block),
        "strategy.py": next(block for block in blocks if "def algo(" in block),
    }
