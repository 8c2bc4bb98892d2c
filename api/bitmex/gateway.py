"""The gateway: REST threads, the stream and what they told, behind the port of the engine."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Sequence
from urllib.parse import urlsplit

from api.bitmex.auth import Signer
from api.bitmex.bad_texts import BadTexts
from api.bitmex.budget import Budget
from api.bitmex.calls import Calls
from api.bitmex.closure import check_endpoints
from api.bitmex.directory import Directory
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.link_speed import Relief, Step, words
from api.bitmex.rest import RestClient
from api.bitmex.rest_worker import LookUp, RestWorker
from api.bitmex.stream import Stream
from api.bitmex.stream_protocol import StreamProtocol
from common.domain.instruments import Symbol
from common.domain.market import Book, RequestsLeft, Ticker
from common.engine.items import Message, RawText, Reply
from common.engine.ports import Inbox
from common.engine.requests import (
    ArmSwitch,
    DisarmSwitch,
    FindOrder,
    Request,
    SendAmend,
    SendCancel,
    SendOrder,
)
from common.errors import ExchangeUnavailable, ProtocolError, TmaticError
from common.settings_types import MarketSettings

log = logging.getLogger(__name__)

ENDING = 1.5  # seconds to wait for threads at the end; one that waits for an answer is left alone
LAST_WORDS = 1.0  # seconds more for what is sent last


class BitmexGateway:
    """One account of the exchange. Satisfies `common.engine.ports.Gateway`."""

    def __init__(
        self,
        settings: MarketSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        check_endpoints(settings)
        self.market = settings.name
        self.network = settings.network
        self.endpoint = urlsplit(settings.http_url).netloc
        self._settings = settings
        self._monotonic = monotonic
        self._signer = Signer(settings.api_key, settings.api_secret)
        self._clock = ExchangeClock()
        self._budget = Budget()
        self._directory = Directory()
        self._stopping = threading.Event()
        self._numbers = itertools.count(1)
        self._found: queue.SimpleQueue[str] = queue.SimpleQueue()  # tickers that were looked up
        self._inbox: Inbox | None = None
        self._workers: dict[str, RestWorker] = {}
        self._stream: Stream | None = None
        self._left: list[Stream] = []  # sessions that were left and may still be ending
        self._protocol: StreamProtocol | None = None
        self._last_words: list[tuple[int, Request]] = []  # carried out when all else has ended
        self._bad_texts = BadTexts()
        self._relief = Relief()

    def start(self, inbox: Inbox) -> None:
        """Start the REST threads."""
        self._inbox = inbox
        for name in ("orders", "cancels", "reads", "switch"):
            worker = RestWorker(f"rest {self.market} {name}", self._new_calls, self._done)
            self._workers[name] = worker
            worker.start()

    def request(self, request: Request) -> int:
        """Queue a request and return its number."""
        number = next(self._numbers)
        name = "reads"
        if isinstance(request, DisarmSwitch):
            self._last_words.append((number, request))
            return number
        if isinstance(request, SendCancel):
            name = "cancels"
        elif isinstance(request, ArmSwitch):
            name = "switch"  # not behind cancels whose answers do not come: it would run out
        elif isinstance(request, (SendOrder, SendAmend, FindOrder)):
            name = "orders"  # FindOrder: not behind a long download of candles
        self._workers[name].put(number, request)
        return number

    def connect(self, session: int, symbols: Sequence[Symbol], tapes: Collection[Symbol]) -> None:
        """Open a stream session; a former one is left."""
        self.disconnect()
        if self._inbox is None:
            raise RuntimeError("connect() before start()")
        self._bad_texts = BadTexts()
        self._relief.new_session()
        self._protocol = StreamProtocol(self._directory, self._settings.depth, symbols, tapes)
        self._stream = Stream(
            self.market,
            session,
            self._settings.ws_url,
            self._signer,
            self._clock,
            self._protocol.topics.opening(),
            self._inbox,
        )
        self._stream.start()

    def disconnect(self) -> None:
        """Leave the stream session, if any."""
        if self._stream is None:
            return
        self._stream.leave()
        self._left = [s for s in self._left if not s.join(0.0)] + [self._stream]
        self._stream = None

    def receive(self, item: RawText) -> Sequence[Message]:
        """Decode a message of the present session; one of a former session says nothing."""
        stream, protocol = self._stream, self._protocol
        if stream is None or protocol is None or item.session != stream.session:
            return ()
        try:
            messages = protocol.feed(item.text, item.received_at)
        except ProtocolError as error:
            log.warning("unreadable text of %s: %s", self.market, error)
            is_market = protocol.is_market_data(item.text)
            end = self._bad_texts.note(error, self._monotonic(), is_market=is_market)
            if end is not None:
                stream.fail(end)
            raise
        self._watch_link(stream, protocol, item.received_at)
        for ticker in protocol.take_wanted():
            self._workers["reads"].put(0, LookUp(ticker))
        outgoing = protocol.take_outgoing()
        if outgoing:
            stream.send(outgoing)
        if protocol.failure is not None:
            stream.fail(protocol.failure)
        return messages if self._found.empty() else [*messages, *self._released(protocol)]

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return what the stream last said of an instrument."""
        return self._protocol.ticker(symbol) if self._protocol else Ticker(symbol)

    def book(self, symbol: Symbol) -> Book:
        """Return the order book as last streamed."""
        return self._protocol.book(symbol) if self._protocol else Book()

    def trouble(self) -> str:
        """Return why the prices are not those of now, "" while they are."""
        return words(self._stream.lag() if self._stream else 0.0, relieved=self._relief.active)

    def requests_left(self) -> RequestsLeft | None:
        """Return how many requests the exchange takes now."""
        return self._budget.gauge()

    def clock_offset(self) -> float:
        """Return the seconds that the exchange's clock is ahead of the local one."""
        return self._clock.offset

    def stop(self) -> None:
        """End all threads and wait until they are gone."""
        self.disconnect()
        self._stopping.set()
        cancels = self._workers.get("cancels")
        others = [worker for worker in self._workers.values() if worker is not cancels]
        for worker in others:
            worker.end()
        deadline = self._monotonic() + ENDING
        self._join([*self._left, *others], deadline)
        if cancels is not None:
            for number, request in self._last_words:
                cancels.put(number, request)
            cancels.end()
            self._join([cancels], deadline + LAST_WORDS)
            if self._last_words and not cancels.join(0.0):
                log.error("%s: the dead man's switch may stay armed: no answer", self.market)

    def _join(self, ending: Sequence[Stream | RestWorker], deadline: float) -> None:
        for thing in ending:
            if not thing.join(max(0.0, deadline - self._monotonic())):
                log.error("a thread of %s did not end in time and was left alone", self.market)

    def _new_calls(self) -> tuple[RestClient, Calls]:
        client = RestClient(
            self._settings.http_url, self._signer, self._clock, self._budget, self._stopping
        )
        return client, Calls(client, self._directory, self._clock)

    def _done(
        self, number: int, request: object, result: object, error: TmaticError | None
    ) -> None:
        """Hand the outcome of a request to the engine; called by the REST threads."""
        if isinstance(request, LookUp):
            self._found.put(request.ticker)
            return
        if isinstance(request, DisarmSwitch) and error is not None:
            log.error("%s: the dead man's switch may stay armed: %s", self.market, error)
        if self._inbox is not None:
            self._inbox.put(Reply(self.market, number, request, result, error))  # type: ignore[arg-type]

    def _released(self, protocol: StreamProtocol) -> list[Message]:
        messages: list[Message] = []
        while not self._found.empty():
            messages += protocol.release(self._found.get())
        return messages

    def _watch_link(self, stream: Stream, protocol: StreamProtocol, received_at: float) -> None:
        """Leave public topics out when what comes is late, on the link or in this process."""
        now = self._monotonic()
        step = self._relief.look(max(stream.lag(), now - received_at), now)
        if step is Step.RELIEVE:
            log.warning("%s: the link is too slow, public topics are left out", self.market)
            stream.send(protocol.leave_market_out())
        elif step is Step.RENEW:
            stream.fail(ExchangeUnavailable("the link keeps up again: the session is renewed"))
