"""The columns of every table, with the widths that common figures need."""

from __future__ import annotations

from display.cells import Column

POSITIONS = (
    Column("SYMBOL", 8),
    Column("CAT", 7),
    Column("POS", 9, right=True),
    Column("ENTRY", 9, right=True),
    Column("PNL", 11, right=True),
    Column("MCALL", 9, right=True),
    Column("STATE", 6),
    Column("VOL24h", 10, right=True),
    Column("EXPIRY", 10),
    Column("FUND", 8, right=True),
)
ORDERS = (
    Column("TIME", 19),
    Column("SYMBOL", 8),
    Column("CAT", 7),
    Column("EXCH", 7),
    Column("SIDE", 4),
    Column("PRICE", 10, right=True),
    Column("QTY", 10, right=True),
    Column("EMI", 18),
)
TRADES = ORDERS
FUNDING = (*ORDERS, Column("PNL", 12, right=True))
RESULTS = (
    Column("PERIOD", 10),
    Column("EMI", 14),
    Column("SYMBOL", 8),
    Column("CURR", 4),
    Column("TRADES", 6, right=True),
    Column("VOL", 7, right=True),
    Column("SUMREAL", 10, right=True),
    Column("COMMISS", 10, right=True),
    Column("FUNDING", 10, right=True),
    Column("NET", 10, right=True),
    Column("POS", 6, right=True),
)
ACCOUNTS = (
    Column("CURR", 4),
    Column("MARGINBAL", 12, right=True),
    Column("AVAILABLE", 12, right=True),
    Column("LEVERAGE", 8, right=True),
    Column("RESULT", 12, right=True),
    Column("COMMISS", 11, right=True),
    Column("FUNDING", 11, right=True),
    Column("CONTROL", 12, right=True),
)
ROBOTS = (
    Column("EMI", 14),
    Column("SYMBOL", 8),
    Column("CATEGORY", 8),
    Column("CURR", 4),
    Column("TIMEFR", 6, right=True),
    Column("CAPITAL", 7, right=True),
    Column("STATUS", 8),
    Column("ERRORS", 6, right=True),
    Column("VOL", 8, right=True),
    Column("PNL", 11, right=True),
    Column("POS", 8, right=True),
)
BOT_RESULTS = (
    Column("PERIOD", 10),
    Column("TRADES", 6, right=True),
    Column("VOL", 9, right=True),
    Column("COMMISS", 11, right=True),
    Column("FUNDING", 11, right=True),
    Column("NET CASH", 12, right=True),
    Column("RESULT", 12, right=True),
    Column("POS", 9, right=True),
)
