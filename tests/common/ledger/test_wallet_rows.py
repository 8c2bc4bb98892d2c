"""Wallet transactions of unknown types are kept once; what a person says of a type counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from common.classify_command import run_classify
from common.domain.account import WalletChange, WalletKind
from common.domain.verification import BooksRead, Rule
from common.engine.items import LedgerRead
from common.errors import ConfigurationError
from common.ledger.database import DatabaseSettings
from common.ledger.wallet import add_up
from tests.common.ledger.account import Account, busy
from tests.common.ledger.support import KEY, START, Bench, query, running

NAME = "Staking Reward"
REWARD = WalletChange(
    "t1", "XBt", WalletKind.UNKNOWN, 5, 5, START, type_name=NAME, raw='{"transactID":"t1"}'
)


def read(ledger: Bench) -> BooksRead:
    before = len(ledger.inbox.of(LedgerRead))
    ledger.writer.read(KEY, START, before, every_row=True)
    return ledger.inbox.wait(LedgerRead, before + 1)[-1].books


def test_each_transaction_is_kept_once_as_it_came(settings: DatabaseSettings) -> None:
    odd = replace(REWARD, change_id="x" * 65, type_name=NAME + " " * 90, currency="c" * 30)
    with running(settings) as ledger:
        assert not ledger.open().wallet_unknown
        for _ in range(2):
            ledger.writer.keep_wallet(KEY, (REWARD, odd))
        assert ledger.open().wallet_unknown
    rows = query(settings, "SELECT TYPE_NAME, RAW, CURRENCY FROM wallet_rows ORDER BY CURRENCY")
    assert rows == [(NAME, REWARD.raw, "XBt"), (NAME, REWARD.raw, "c" * 20)]


def test_what_is_said_of_a_type_counts_for_all_of_it_and_can_be_said_anew(
    settings: DatabaseSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.writer.keep_wallet(KEY, (REWARD,))
        assert read(ledger).wallet_kinds == {}
        for word, kind in (("spot", WalletKind.SPOT), ("outside", WalletKind.EXTERNAL)):
            assert run_classify(settings, NAME, word, START) == 0
            books = read(ledger)
            assert books.wallet_kinds == {NAME: kind}
        assert not ledger.open().wallet_unknown
    assert f"account {KEY.account} on {KEY.market}" in capsys.readouterr().out


def test_a_word_for_executions_is_none_for_a_type_of_the_wallet(
    settings: DatabaseSettings,
) -> None:
    with running(settings) as ledger:
        ledger.open()
        ledger.writer.keep_wallet(KEY, (REWARD,))
        assert ledger.open().wallet_unknown
    for name, kind in ((NAME, "trade"), (NAME, "nothing"), ("Gift", "outside")):
        with pytest.raises(ConfigurationError, match=f"No execution {name} waits"):
            run_classify(settings, name, kind, START)
    assert query(settings, "SELECT COUNT(*) FROM wallet_types") == [(0,)]


def with_reward(*, said: WalletKind | None) -> Account:
    account = busy()
    at = START + timedelta(hours=1)
    for number, amount in ((1, 7), (2, -2)):
        account.wallet["XBt"] += amount
        balance = account.wallet["XBt"]
        account.changes.append(
            WalletChange(f"t{number}", "XBt", WalletKind.UNKNOWN, amount, balance, at, NAME, "{}")
        )
    if said is not None:
        account.changes = [
            replace(c, kind=said) if c.kind is WalletKind.UNKNOWN else c for c in account.changes
        ]
    return account


def test_an_unknown_type_is_a_difference_that_blocks_and_names_its_remedy() -> None:
    (difference,) = with_reward(said=None).check()
    assert (difference.rule, difference.blocks) == (Rule.WALLET_TYPE, True)
    assert (difference.currency, difference.books, difference.exchange) == ("XBt", 0, 2)
    assert "'Staking Reward' (2, together 0.00000005 XBt)" in difference.text
    assert 'main.py --classify "Staking Reward" outside (or result' in difference.text


def test_a_type_that_the_program_knows_by_now_blocks_no_more() -> None:
    """The tables remember it as one that an older program did not know."""
    account = with_reward(said=None)
    assert account.check() != ()
    account.changes = [
        replace(c, kind=WalletKind.EXTERNAL) if c.kind is WalletKind.UNKNOWN else c
        for c in account.changes
    ]
    assert account.check() == ()


@pytest.mark.parametrize("kind", [k for k in WalletKind if k is not WalletKind.UNKNOWN])
def test_a_type_that_was_said_counts_as_what_it_is(kind: WalletKind) -> None:
    as_said = with_reward(said=kind)
    raw = with_reward(said=None)
    resolved = {c: s.resolved({NAME: kind}) for c, s in add_up(raw.changes).items()}
    assert resolved == add_up(as_said.changes)
    truth = replace(raw.truth(), wallets=resolved)
    assert raw.check(truth) == as_said.check()
