"""`--classify`: a person says what an execution or a wallet transaction is that nobody knows."""

from __future__ import annotations

from datetime import datetime

from common.errors import ConfigurationError
from common.ledger.classifying import KINDS, WALLET_KINDS, classify
from common.ledger.database import DatabaseSettings


def run_classify(database: DatabaseSettings, name: str, kind: str, now: datetime) -> int:
    """Write what an execution is, or a type of transactions of the wallet.

    ConfigurationError: nothing of that name waits.
    """
    if kind not in KINDS and kind not in WALLET_KINDS:
        raise ConfigurationError(
            f"--classify: {kind!r} is none of {', '.join(KINDS)} (of an execution) and none of "
            f"{', '.join(WALLET_KINDS)} (of a type of the wallet)"
        )
    print(classify(database, name, kind, now))
    return 0
