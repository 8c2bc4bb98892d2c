"""The tables of the books and the numbered steps that make them, in both dialects.

MySQL commits every DDL statement by itself, so each statement of a step can be repeated after a
break.
"""

from __future__ import annotations

from common.ledger.database import Dialect
from common.ledger.table import Column, Table

EMI_SIZE = 64  # characters
EXEC_ID_SIZE = 64
WALLET_ID_SIZE = 64
WALLET_TYPE_SIZE = 64
CL_ORD_ID_SIZE = 255  # other programs' ids may be longer than ours

_MARKET = Column("MARKET", "text", 20, required=True)
_ACCOUNT = (
    _MARKET,
    Column("NETWORK", "text", 8, required=True),
    Column("ACCOUNT", "int", required=True),
)
_SYMBOL = (Column("SYMBOL", "text", 40), Column("CATEGORY", "text", 10))
_ACCOUNT_KEY = "MARKET, NETWORK, ACCOUNT"

COINS = Table(
    "coins",
    (
        Column("ID", "id"),
        Column("EXECID", "text", EXEC_ID_SIZE),
        Column("EMI", "text", EMI_SIZE),
        Column("REFER", "text", EMI_SIZE),
        Column("MARKET", "text", 20),
        Column("CURRENCY", "text", 20),
        *_SYMBOL,
        Column("SIDE", "small"),
        Column("QTY", "int"),
        Column("QTY_REST", "int"),
        Column("PRICE", "decimal"),
        Column("THEOR_PRICE", "decimal"),
        Column("TRADE_PRICE", "decimal"),
        Column("SUMREAL", "decimal"),
        Column("COMMISS", "decimal"),
        Column("TTIME", "time"),
        Column("DAT", "written"),
        Column("CLORDID", "int", default=0),
        Column("ACCOUNT", "int", default=0),
        # The columns of the first layout end here.
        Column("NETWORK", "text", 8),
        Column("KIND", "text", 20),
        Column("SUMREAL_I", "int"),
        Column("COMMISS_I", "int"),
        Column("SCALE", "small"),
    ),
    indexes=(
        ("EXECID_ix", "EXECID"),
        ("EMI_QTY_ix", "EMI, QTY"),
        ("SIDE_ix", "SIDE"),
        ("TTIME_ix", f"{_ACCOUNT_KEY}, TTIME"),
    ),
)
ROBOTS = Table(
    "robots",
    (
        Column("EMI", "text", EMI_SIZE),
        *_SYMBOL,
        Column("MARKET", "text", 20),
        Column("SORT", "int"),
        Column("DAT", "written"),
        Column("TIMEFR", "int", default=0),
        Column("CAPITAL", "int", default=0),
        Column("MARGIN", "int", default=0),
    ),
    unique=(("EMI_UNIQUE", "MARKET, EMI"),),
)
EXECUTIONS = Table(
    "executions",
    (
        *_ACCOUNT,
        Column("EXECID", "text", EXEC_ID_SIZE, required=True),
        Column("KIND", "text", 20, required=True),
        Column("EXEC_TYPE", "text", 40, required=True),
        *_SYMBOL,
        Column("CLORDID", "text", CL_ORD_ID_SIZE),
        Column("ORDERID", "text", 64),
        Column("TTIME", "time", required=True),
        Column("WRITTEN_AT", "time", required=True),
        Column("CURRENCY", "text", 20),
        Column("EXEC_COST", "int", required=True),
        Column("FEE_CURRENCY", "text", 20),
        Column("EXEC_COMM", "int", required=True),
        Column("ROW_COUNT", "int", required=True),
        Column("RAW", "long", required=True),
    ),
    primary=f"{_ACCOUNT_KEY}, EXECID",
    indexes=(("KIND_ix", f"{_ACCOUNT_KEY}, KIND"), ("TTIME_ix", f"{_ACCOUNT_KEY}, TTIME")),
)
ORDER_INTENTS = Table(
    "order_intents",
    (
        Column("ID", "id"),
        *_ACCOUNT,
        Column("CLORDID", "text", 36, required=True),
        Column("VERB", "text", 6, required=True),
        Column("EMI", "text", EMI_SIZE, required=True),
        *_SYMBOL,
        Column("SIDE", "text", 4, required=True),
        Column("QTY", "int", required=True),
        Column("PRICE", "decimal", required=True),
        Column("ORDERID", "text", 64),
        Column("STATE", "text", 12, required=True),
        Column("CREATED", "time", required=True),
        Column("SETTLED", "time"),
    ),
    indexes=(("CLORDID_ix", f"{_ACCOUNT_KEY}, CLORDID"), ("STATE_ix", f"{_ACCOUNT_KEY}, STATE")),
)
ORDER_NUMBERS = Table(
    "order_numbers", (_MARKET, Column("NEXT_NUMBER", "int", required=True)), primary="MARKET"
)
ROBOT_STATUS = Table(
    "robot_status",
    (
        _MARKET,
        Column("EMI", "text", EMI_SIZE, required=True),
        Column("WORK", "small", required=True),
    ),
    primary="MARKET, EMI",
)
ROBOT_POLICY = Table(
    "robot_policy",
    (
        _MARKET,
        Column("EMI", "text", EMI_SIZE, required=True),
        Column("ON_STOP", "text", 8, required=True),
    ),
    primary="MARKET, EMI",
)
ROBOT_SETTINGS = Table(
    "robot_settings",
    (
        _MARKET,
        Column("EMI", "text", EMI_SIZE, required=True),
        Column("STRATEGY", "text", 120, required=True),
        Column("PARAMETERS", "long", required=True),  # JSON object of texts
        Column("DAT", "written"),
    ),
    primary="MARKET, EMI",
)
LEDGER_CURSOR = Table(
    "ledger_cursor",
    (*_ACCOUNT, Column("BOOKED_UNTIL", "time", required=True)),
    primary=_ACCOUNT_KEY,
)
QUARANTINE = Table(
    "quarantine",
    (
        *_ACCOUNT,
        Column("EXECID", "text", EXEC_ID_SIZE, required=True),
        Column("REASON", "long", required=True),
        Column("RAW", "long", required=True),
        Column("DAT", "written"),
    ),
    primary=f"{_ACCOUNT_KEY}, EXECID",
)
QUARANTINE_LEFT = Table(  # what was in quarantine once
    "quarantine_left",
    (
        *_ACCOUNT,
        Column("EXECID", "text", EXEC_ID_SIZE, required=True),
        Column("OUTCOME", "text", 20, required=True),  # booked, or dismissed by a person
        Column("REASON", "long", required=True),
        Column("RAW", "long", required=True),
        Column("DAT", "written"),
    ),
    primary=f"{_ACCOUNT_KEY}, EXECID",
)
CLASSIFIED = Table(  # what a person has said of executions of unknown kind
    "classified",
    (
        *_ACCOUNT,
        Column("EXECID", "text", EXEC_ID_SIZE, required=True),
        Column("KIND", "text", 20, required=True),
        Column("DAT", "written"),
    ),
    primary=f"{_ACCOUNT_KEY}, EXECID",
)
WALLET_ROWS = Table(  # transactions of the wallet whose type nobody knows
    "wallet_rows",
    (
        *_ACCOUNT,
        Column("TRANSACTID", "text", WALLET_ID_SIZE, required=True),
        Column("TYPE_NAME", "text", WALLET_TYPE_SIZE, required=True),
        Column("CURRENCY", "text", 20, required=True),
        Column("TTIME", "time", required=True),
        Column("RAW", "long", required=True),
        Column("DAT", "written"),
    ),
    primary=f"{_ACCOUNT_KEY}, TRANSACTID",
)
WALLET_TYPES = Table(  # what a person has said of such types
    "wallet_types",
    (
        _MARKET,
        Column("TYPE_NAME", "text", WALLET_TYPE_SIZE, required=True),
        Column("KIND", "text", 20, required=True),
        Column("DAT", "written"),
    ),
    primary="MARKET, TYPE_NAME",
)
LEDGER_TALLY = Table(
    "ledger_tally",
    (
        *_ACCOUNT,
        Column("COIN_ROWS", "int", required=True),  # sum of ROW_COUNT of the journal
        # Rows of `coins` whose sums are kept in `kept_sums`: those up to an ID, as they were then.
        Column("KEPT_ID", "int", required=True, default=0),
        Column("KEPT_ROWS", "int", required=True, default=0),
        Column("KEPT_ID_SUM", "int", required=True, default=0),
    ),
    primary=_ACCOUNT_KEY,
)
KEPT_SUMS = Table(
    "kept_sums",
    (
        *_ACCOUNT,
        Column("EMI", "text", EMI_SIZE, required=True),
        Column("SYMBOL", "text", 40, required=True),
        Column("CATEGORY", "text", 10, required=True),
        Column("CURRENCY", "text", 20, required=True),
        Column("POSITION", "int", required=True),
        Column("SUMREAL_I", "int", required=True),
        Column("COMMISS_I", "int", required=True),
        Column("FUNDING_I", "int", required=True),
        Column("VOLUME", "int", required=True),
        Column("LAST_TRADE", "time"),
    ),
    primary=f"{_ACCOUNT_KEY}, EMI, SYMBOL, CATEGORY, CURRENCY",
)
WRITER_EPOCH = Table(
    "writer_epoch", (*_ACCOUNT, Column("EPOCH", "int", required=True)), primary=_ACCOUNT_KEY
)
AUDIT = Table(
    "audit",
    (
        Column("ID", "id"),
        Column("MARKET", "text", 20),
        Column("ACCOUNT", "int"),
        Column("EXECID", "text", EXEC_ID_SIZE),
        Column("FINDING", "text", 40, required=True),
        Column("NOTE", "long", required=True),
        Column("DAT", "written"),
    ),
)
SCHEMA_VERSION = Table(
    "schema_version",
    (Column("VERSION", "int", required=True), Column("APPLIED_AT", "time", required=True)),
    primary="VERSION",
)
FIRST_TABLES = (
    EXECUTIONS,
    ORDER_INTENTS,
    ORDER_NUMBERS,
    ROBOT_STATUS,
    LEDGER_CURSOR,
    QUARANTINE,
    ROBOTS,
    COINS,
)


def first_step(dialect: Dialect) -> list[str]:
    """Return the statements of migration 1: all tables of the first version."""
    return [statement for table in FIRST_TABLES for statement in table.render(dialect)]


SECOND_TABLES = (LEDGER_TALLY, KEPT_SUMS, AUDIT, WRITER_EPOCH)


def second_step(dialect: Dialect) -> list[str]:
    """Return the statements of migration 2: what is kept of the rows, and findings on old ones."""
    return [statement for table in SECOND_TABLES for statement in table.render(dialect)]


def policy_step(dialect: Dialect) -> list[str]:
    """Return the statements of migration 3: what becomes of the orders of a stopped bot."""
    return ROBOT_POLICY.render(dialect)


def settings_step(dialect: Dialect) -> list[str]:
    """Return the statements of migration 4: strategy and parameters of each bot."""
    return ROBOT_SETTINGS.render(dialect)


def quarantine_step(dialect: Dialect) -> list[str]:
    """Return the statements of migration 5: what became of executions that could not be booked."""
    return [*QUARANTINE_LEFT.render(dialect), *CLASSIFIED.render(dialect)]


def wallet_step(dialect: Dialect) -> list[str]:
    """Return the statements of migration 6: wallet transactions of types that nobody knows."""
    return [*WALLET_ROWS.render(dialect), *WALLET_TYPES.render(dialect)]


LEDGER_TABLES = (
    *FIRST_TABLES,
    *SECOND_TABLES,
    ROBOT_POLICY,
    ROBOT_SETTINGS,
    QUARANTINE_LEFT,
    CLASSIFIED,
    WALLET_ROWS,
    WALLET_TYPES,
    SCHEMA_VERSION,
)
MIGRATIONS = {
    1: first_step,
    2: second_step,
    3: policy_step,
    4: settings_step,
    5: quarantine_step,
    6: wallet_step,
}  # number -> statements of the step in a dialect
