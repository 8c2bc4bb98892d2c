"""The switches of the campaign: every fault of the exchange, where it can do harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Rule = Mapping[str, Any]

HISTORY = {"method": "GET", "path": "/execution/tradeHistory"}
PLACING = {"method": "POST", "path": "/order"}
PRIVATE = ("order", "execution", "position", "margin")

# What the terminal outlives by itself. A rule is armed at random moments of the stormy time; those
# of states end by themselves. The faults that a person has to answer are in `ANSWERED`.
SWITCHES: dict[str, Rule] = {
    "late": {"seconds": 3.0, "after": True, **PLACING},
    "late before": {"fault": "late", "seconds": 3.0, "method": "GET"},
    "silent": {"after": True, **PLACING},
    "silent lost": {"fault": "silent", "after": False, **PLACING},
    "reset": {"after": True, **PLACING},
    "reset lost": {"fault": "reset", "after": False, "method": "GET"},
    "half-answer": PLACING,
    "rate-limit": {"seconds": 5},
    "overload": PLACING,
    "error-page": {"after": True, **PLACING},
    "error-page cancel": {"fault": "error-page", "method": "DELETE", "status": 503},
    "error-json": {"after": True, **PLACING},
    "ban": {"for": 25.0},
    "key-refused": {"for": 25.0},
    "maintenance": {"for": 25.0},
    "late-rows": {"seconds": 15.0, **HISTORY},
    "short-page": HISTORY,
    "empty-page": HISTORY,
    "repeated-page": HISTORY,
    "odd-answer": {"field": "execCost", **HISTORY},
    "clock-skew": {"seconds": 45.0, "for": 60.0},
    "stream-refused": {"times": 3},
    "drop": {},
    "close": {},
    "half-open": {},
    "slow": {"rate": 500.0, "seconds": 25.0},
    "lose": {"table": "execution"},
    "lose order": {"fault": "lose", "table": "order"},
    "duplicate": {"table": "execution"},
    "reorder": {"table": "order"},
    "truncate": {"table": "execution"},
    "garble": {"table": "order"},
    "garble public": {"fault": "garble", "table": "orderBook10"},
    "bad-utf8": {"table": "execution"},
    "not-json": {},
    "binary": {"table": "order"},
    "deep": {},
    "huge": {},
    "no-partial": {"table": "order"},
    "early-delta": {"table": "position"},
    "second-partial": {"table": "order"},
    "unknown-table": {"table": "execution"},
    "unknown-action": {"table": "order"},
    "unknown-field": {"table": "execution"},
    "unknown-type": {"table": "order"},
    "unknown-row": {"table": "order"},
    "unknown-symbol": {"table": "position"},
    "foreign-currency": {},
    "no-rows": {"table": "order"},
    "absent-field": {"table": "execution", "field": "settlCurrency"},
    "null-field": {"table": "order", "field": "price"},
    "empty-field": {"table": "execution", "field": "orderID"},
    "wrong-type": {"table": "position", "field": "currentQty"},
    "odd-number": {"table": "execution", "field": "execCost"},
    "duplicate-key": {"table": "execution"},
    "crossed-book": {"table": "orderBook10"},
    "empty-book": {"table": "orderBook10"},
    "token-expired": {"table": "order"},
}
ANSWERED = "other-account"  # blocks until a person presses F3


# What concerns orders most: the same, and what happens to amendments and cancels.
AMENDING = {"method": "PUT", "path": "/order"}
CANCELLING = {"method": "DELETE", "path": "/order"}
ORDER_SWITCHES: dict[str, Rule] = {
    name: SWITCHES[name]
    for name in (
        *("late", "late before", "silent", "silent lost", "reset", "reset lost", "half-answer"),
        *("rate-limit", "overload", "error-page", "error-page cancel", "error-json", "ban"),
        *("maintenance", "stream-refused", "drop", "close", "half-open", "slow", "lose"),
        *("lose order", "duplicate", "reorder", "no-rows", "late-rows", "no-partial"),
    )
} | {
    "duplicate of ours": {
        **{"fault": "error-json", "status": 400, "message": "Duplicate clOrdID", "after": True},
        **PLACING,
    },
    "silent amend": {"fault": "silent", "after": True, **AMENDING},
    "reset amend lost": {"fault": "reset", "after": False, **AMENDING},
    "overload amend": {"fault": "overload", **AMENDING},
    "overload cancel": {"fault": "overload", **CANCELLING},
    "silent cancel": {"fault": "silent", "after": True, **CANCELLING},
}


def rule_of(switch: str, switches: Mapping[str, Rule] = SWITCHES) -> dict[str, Any]:
    """Return the rule of a switch, armed once; a state ends after `for` seconds."""
    options = dict(switches[switch])
    lasts = options.pop("for", None)
    rule = {"fault": switch, **options}
    return rule if lasts is None else {**rule, "until": lasts}
