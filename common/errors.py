"""The exceptions of the program, named by the reaction each asks for.

TmaticError
├── ConfigurationError        stop before the window opens; names file, key and remedy
├── ProfileInUse              stop with exit code 3: another terminal works in the folder
├── AuthenticationFailed      the market is BLOCKED; no retry until the settings change
├── NotTrusted                the other end cannot prove who it is: BLOCKED, never connected
├── AccountChanged            the key is another account's than before: BLOCKED until F3
├── ExchangeUnavailable       the market is OFFLINE; retried with growing delay
├── RateLimited               as ExchangeUnavailable, not before `retry_after`
├── ClockSkew                 corrected by the exchange's clock, then tried again
├── ProtocolError             the exchange said something that is not its protocol
├── OrderRefused              concerns one order: definitely not accepted
│   ├── EntryRefused          only exits may leave now; it does not count against the bot
│   ├── InsufficientBalance
│   ├── NotNow                nothing is wrong with the order; it does not count against the bot
│   ├── Overloaded            the exchange is too busy; bots wait a moment, people need not
│   ├── KeyRefused            as AuthenticationFailed, in the answer to an order
│   └── OrderNotFound         unknown or already ended
├── OutcomeUnknown            the request may have been carried out: ask, never resend
├── LedgerUnavailable         trading is BLOCKED until the database answers
├── LedgerMismatch            the books differ from the exchange: shown, trading is BLOCKED
└── StrategyError             one bot is stopped
"""

from __future__ import annotations


class TmaticError(Exception):
    """Root of every error that this program raises on purpose; its text is for the user."""


class ConfigurationError(TmaticError):
    """The settings are wrong; the text names file, line, key and remedy."""


class ProfileInUse(TmaticError):
    """Another process of this program works in the profile."""


class AuthenticationFailed(TmaticError):
    """The exchange refuses the key or its signature."""


class NotTrusted(TmaticError):
    """The other end of an encrypted connection cannot prove who it is."""


class AccountChanged(TmaticError):
    """The key belongs to another account than the one that was known here."""


class ExchangeUnavailable(TmaticError):
    """The exchange cannot be reached or does not serve; a read may be tried again."""


class RateLimited(ExchangeUnavailable):
    """Too many requests were sent."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class ClockSkew(ExchangeUnavailable):
    """The request had expired by the exchange's clock."""

    def __init__(self, message: str, offset: float) -> None:
        super().__init__(message)
        self.offset = offset  # seconds the exchange's clock is ahead of the local one


class ProtocolError(TmaticError):
    """A message of the exchange cannot be understood."""


class OrderRefused(TmaticError):
    """An order, amendment or cancellation was definitely not accepted."""


class EntryRefused(OrderRefused):
    """The order would open, enlarge or turn a position while only exits may leave."""


class InsufficientBalance(OrderRefused):
    """The account cannot pay for the order."""


class NotNow(OrderRefused):
    """Orders may not leave now, whatever they are: trading is off, or the market is not LIVE."""


class Overloaded(OrderRefused):
    """The exchange is too busy to take a request; it may take the next one."""


class KeyRefused(OrderRefused, AuthenticationFailed):
    """An order was not accepted because the exchange refuses the key."""


class Withdrawn(OrderRefused):
    """The order was taken back before it was written to the exchange."""


class DuplicateNumber(OrderRefused):
    """The exchange has an open order with this clOrdID already."""


class OrderNotFound(OrderRefused):
    """The exchange knows no such open order."""


class OutcomeUnknown(TmaticError):
    """It is not known whether the exchange carried the request out."""


class LedgerUnavailable(TmaticError):
    """The database does not answer or refuses to write."""


class LedgerMismatch(TmaticError):
    """The books and the exchange differ."""


class StrategyError(TmaticError):
    """A strategy cannot be loaded, raised an exception or exceeded its time."""


class BadParameter(TmaticError):
    """A value does not fit what a strategy declares."""
