"""`--classify`: a person says what an execution is that the program could not book."""

from __future__ import annotations

from datetime import datetime

from common.errors import ConfigurationError
from common.ledger.classifying import KINDS, classify
from common.ledger.database import DatabaseSettings


def run_classify(database: DatabaseSettings, exec_id: str, kind: str, now: datetime) -> int:
    """Write what an execution is, for the next start. ConfigurationError: it does not wait."""
    if kind not in KINDS:
        raise ConfigurationError(f"--classify: {kind!r} is none of {', '.join(KINDS)}")
    place = classify(database, exec_id, kind, now)
    what = "concerns nobody and is not booked" if kind == "nothing" else f"is a {kind}"
    then = "" if kind == "nothing" else "; it is booked when the terminal starts or F3 is pressed"
    print(f"{place}: execution {exec_id} {what}{then}.")
    return 0
