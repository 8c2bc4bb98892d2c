"""An order book that follows recorded orderBookL2 rows, and the shorter books made from it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from api.simulator.ports import Action, Json, Row

BUY, SELL = "Buy", "Sell"
DEPTH = 25  # levels of a side that orderBookL2_25 shows; orderBook10 shows the first ten


class RecordedBook:
    """The levels of one symbol by id."""

    def __init__(self) -> None:
        self._sides: dict[str, dict[Json, Row]] = {BUY: {}, SELL: {}}
        self._top: dict[str, list[Row]] = {BUY: [], SELL: []}

    def apply(self, action: Action, rows: Iterable[Row]) -> None:
        """Follow the rows of one message; updates and deletes of unknown levels are ignored."""
        stale: set[str] = set()
        for row in rows:
            side = str(row["side"])
            level = self._apply_row(action, self._sides[side], row)
            if level is not None and self._is_near(side, level):
                stale.add(side)
        for side in stale:
            self._top[side] = self._nearest(side)

    def level(self, side: str, number: Json) -> Row | None:
        """Return a level by its id; None if there is none."""
        return self._sides[side].get(number)

    def best(self) -> tuple[Row | None, Row | None]:
        """Return the best levels to buy and to sell; None for a side without any."""
        bids, asks = self._top[BUY], self._top[SELL]
        return (bids[0] if bids else None), (asks[0] if asks else None)

    def levels(self) -> list[Row]:
        """Return all levels, sells from high to low, then buys from high to low."""
        rows = [*self._sides[SELL].values(), *self._sides[BUY].values()]
        return sorted(rows, key=lambda row: (row["side"] == BUY, -_price(row)))

    def top(self, depth: int = DEPTH) -> list[Row]:
        """Return the best levels of both sides in the order of `levels`."""
        return [*reversed(self._top[SELL][:depth]), *self._top[BUY][:depth]]

    def ten(self) -> dict[str, Json]:
        """Return the columns bids and asks of orderBook10, best first."""
        return {"bids": _pairs(self._top[BUY]), "asks": _pairs(self._top[SELL])}

    def _apply_row(self, action: Action, levels: dict[Json, Row], row: Row) -> Row | None:
        """Change one level and return it."""
        if action is Action.DELETE:
            return levels.pop(row["id"], None)
        if action is Action.UPDATE:
            known = levels.get(row["id"])
            if known is None:
                return None
            row = {**known, **row}
        levels[row["id"]] = row
        return row

    def _is_near(self, side: str, level: Row) -> bool:
        """Whether a change of this level can be seen in the best levels."""
        top = self._top[side]
        if len(top) < DEPTH:
            return True
        worst = _price(top[-1])
        return _price(level) >= worst if side == BUY else _price(level) <= worst

    def _nearest(self, side: str) -> list[Row]:
        levels = self._sides[side].values()
        if side == BUY:
            return heapq.nlargest(DEPTH, levels, key=_price)
        return heapq.nsmallest(DEPTH, levels, key=_price)


def differences(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Action, list[Row]]]:
    """Return the changes that lead from one list of levels to another."""
    old = {(row["side"], row["id"]): row for row in before}
    new = {(row["side"], row["id"]): row for row in after}
    changes = {
        Action.DELETE: [_key(row) for key, row in old.items() if key not in new],
        Action.UPDATE: [
            {**_key(row), "size": row["size"]}
            for key, row in new.items()
            if key in old and old[key]["size"] != row["size"]
        ],
        Action.INSERT: [row for key, row in new.items() if key not in old],
    }
    return [(action, rows) for action, rows in changes.items() if rows]


def _key(row: Row) -> Row:
    return {name: row[name] for name in ("symbol", "id", "side", "price")}


def _pairs(levels: Sequence[Row]) -> Json:
    return [[row["price"], row["size"]] for row in levels[:10]]


def _price(row: Row) -> float:
    price = row["price"]
    assert isinstance(price, (int, float))
    return price
