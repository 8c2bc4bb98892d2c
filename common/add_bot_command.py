"""`--add-bot`: a row of the table robots from the command line."""

from __future__ import annotations

from collections.abc import Sequence

from common.domain.instruments import Symbol
from common.ledger.database import DatabaseSettings
from common.ledger.robots_table import add_robot


def run_add_bot(
    database: DatabaseSettings, market: str, row: Sequence[str], symbols: Sequence[Symbol]
) -> int:
    """Write EMI, SYMBOL, CATEGORY, TIMEFR, CAPITAL and strategy of a bot; say what is left to do.

    `symbols` are those of the settings. ConfigurationError names what is wrong.
    """
    emi, symbol, category, timeframe, capital, strategy = row
    robot = add_robot(database, market, emi, symbol, category, timeframe, capital, strategy)
    print(
        f"{robot.emi} trades {robot.symbol} every {robot.timeframe} min with {robot.capital} lots. "
        + (
            f"It runs {strategy}; start"
            if strategy
            else "Name its function in algo/init.py, then start"
        )
        + " the terminal or press F3."
    )
    if robot.symbol not in symbols:
        print(
            f"It appears when the settings of {market} name {robot.symbol.ticker} in "
            f"{robot.symbol.category.value.upper()}_SYMBOLS."
        )
    return 0
