"""The exchange inside the process: its venue behind the engine's port, without sockets.

A `DirectExchange` owns a venue, a virtual clock and everything that is due; its `DirectGateway`s
are accounts on it. Requests are carried out at once, and rows are decoded by the client of the
real exchange. Nothing here waits: time passes when somebody calls `run_until`.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from urllib.parse import urlencode

from api.bitmex.answers import Answer, Purpose, read
from api.bitmex.bad_texts import BadTexts
from api.bitmex.calls import Calls
from api.bitmex.directory import Directory
from api.bitmex.exchange_clock import ExchangeClock
from api.bitmex.link_speed import Relief, Step, words
from api.bitmex.stream_protocol import StreamProtocol
from api.bitmex.wire import encode
from api.simulator.credentials import Authenticator
from api.simulator.direct_stream import DirectStream
from api.simulator.encoding import to_json_bytes
from api.simulator.fault_kinds import Place
from api.simulator.faults import Event, Faults
from api.simulator.merging import merge_parameters
from api.simulator.ports import ApiKey, Venue
from api.simulator.ports import Request as VenueRequest
from api.simulator.realtime import Realtime
from api.simulator.request_faults import (
    AnswerFaults,
    Ending,
    Raw,
    answer_event,
    mishap,
    page,
    request_event,
)
from api.simulator.subscriptions import Wanted
from api.simulator.times import milliseconds
from api.simulator.venue import LiveVenue
from api.simulator.virtual_clock import VirtualClock
from common.domain.executions import Network
from common.domain.instruments import Symbol
from common.domain.market import Book, RequestsLeft, Ticker
from common.engine.items import Message, RawText, Reply, StreamClosed, StreamOpened
from common.engine.ports import Inbox
from common.engine.requests import Permit, Request, check_permit
from common.errors import ExchangeUnavailable, OutcomeUnknown, ProtocolError, TmaticError
from common.settings_types import Depth

BASE = "http://direct/api/v1"
JSON_BODY = "application/json"
READ_TIMEOUT = 10.0  # seconds after which a request without an answer is given up


class DirectExchange:
    """A venue, its streams and its time."""

    def __init__(self, venue: Venue, clock: VirtualClock, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults(clock.monotonic)
        self._venue = venue
        self._answer_faults = AnswerFaults(self.faults)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        authenticator = Authenticator(venue.find_key, lambda: clock.now().timestamp())
        self.realtime = Realtime(venue, authenticator, clock.now, on_topics=self._follow_topics)
        self._follow_topics(frozenset())

    def gateway(
        self, key: ApiKey, market: str = "Bitmex", depth: Depth = Depth.TEN
    ) -> DirectGateway:
        """Return the gateway of a key's account."""
        return DirectGateway(self, key, market, depth)

    def later(self, delay: float, action: Callable[[], None]) -> None:
        """Do something when `delay` seconds have passed."""
        due = self.clock.monotonic() + delay
        heapq.heappush(self._due, (due, next(self._order), action))

    def run_until(self, seconds: float) -> None:
        """Let time pass up to a number of seconds since the start, with all that happens."""
        while self._due and self._due[0][0] <= seconds:
            at, _, action = heapq.heappop(self._due)
            self.clock.move_to(at)
            self.settle()
            action()
        self.clock.move_to(seconds)
        self.settle()

    def settle(self) -> None:
        """Bring the venue to the present and tell the streams what happened."""
        self._venue.advance(self.clock.now())
        self._tell()

    def ask(self, key: ApiKey, method: str, target: str, body: str) -> Raw:
        """Return the exchange's answer to a request that it carries out now."""
        path, _, query = target.partition("?")
        params = merge_parameters(query, JSON_BODY, body.encode())
        self.settle()
        answer = self._venue.handle(
            VenueRequest(method, path, params, key.account, key.permissions)
        )
        self._tell()
        if not self.faults.idle:
            event = answer_event(method, path, key.account)
            altered = self._answer_faults.alter(event, answer, milliseconds(self.clock.now()))
            if isinstance(altered, Raw):
                return altered
            answer = altered
        return Raw(answer.status, to_json_bytes(answer.body), headers=answer.headers)

    def _tell(self) -> None:
        self.realtime.publish(self._venue.drain())

    def _follow_topics(self, topics: frozenset[Wanted]) -> None:
        if isinstance(self._venue, LiveVenue):
            self._venue.wanted = topics


class DirectClient:
    """Requests of one account, carried out at once; `delay` is when their outcome is known."""

    def __init__(self, exchange: DirectExchange, key: ApiKey) -> None:
        self.delay = 0.0  # seconds
        self._exchange = exchange
        self._key = key

    def get(self, path: str, query: Mapping[str, object] | None = None) -> object:
        """Read something."""
        target = path + (f"?{urlencode(query)}" if query else "")
        return self._send("GET", target, Purpose.READ, "")

    def cancel(self, path: str, body: Mapping[str, object]) -> object:
        """Send a DELETE."""
        return self._send("DELETE", path, Purpose.CANCEL, encode(body))

    def order(
        self, verb: str, path: str, body: Mapping[str, object], permit: Permit | None = None
    ) -> object:
        """Send a POST or PUT."""
        check_permit(permit)
        return self._send(verb, path, Purpose.ORDER, encode(body))

    def switch(self, path: str, body: Mapping[str, object]) -> object:
        """Send a POST that may be repeated."""
        return self._send("POST", path, Purpose.CANCEL, encode(body))

    def _send(self, verb: str, target: str, purpose: Purpose, body: str) -> object:
        exchange, path = self._exchange, target.partition("?")[0]
        event = request_event(verb, path, self._key.account)
        trouble = mishap(exchange.faults, event, exchange.clock.now().timestamp())
        if trouble is None:
            raw = exchange.ask(self._key, verb, target, body)
            return read(Answer(BASE + path, raw.status, raw.headers, raw.body), purpose)
        # What a fault delays takes effect now: nobody could tell the difference.
        taken = exchange.ask(self._key, verb, target, body) if trouble.carried_out else None
        self.delay += min(trouble.wait + trouble.linger, READ_TIMEOUT)
        raw_or_none = trouble.answer or taken
        lost = trouble.ending is not Ending.SEND or trouble.wait + trouble.linger > READ_TIMEOUT
        if lost or raw_or_none is None:
            reason = f"no answer: {trouble.ending.value}"
            raise (OutcomeUnknown if purpose is Purpose.ORDER else ExchangeUnavailable)(reason)
        raw = raw_or_none
        return read(Answer(BASE + path, raw.status, raw.headers, raw.body), purpose)


class DirectGateway:
    """One account of a `DirectExchange`. Satisfies `common.engine.ports.Gateway`."""

    network = Network.DEMO
    endpoint = "in this process"

    def __init__(self, exchange: DirectExchange, key: ApiKey, market: str, depth: Depth) -> None:
        self.market = market
        self._exchange = exchange
        self._key = key
        self._depth = depth
        self._directory = Directory()
        self._clock = ExchangeClock(lambda: exchange.clock.now().timestamp())
        self._client = DirectClient(exchange, key)
        self._calls = Calls(self._client, self._directory, self._clock)
        self._numbers = itertools.count(1)
        self._inbox: Inbox | None = None
        self._stream: DirectStream | None = None
        self._protocol: StreamProtocol | None = None
        self._relief = Relief()
        self._bad_texts = BadTexts()
        self._skewed = False  # a fault may have told another time

    def start(self, inbox: Inbox) -> None:
        """Remember where outcomes go."""
        self._inbox = inbox

    def request(self, request: Request) -> int:
        """Carry out a request and return its number; the `Reply` comes to the inbox."""
        number = next(self._numbers)
        result, error = self._outcome(request)
        delay, self._client.delay = self._client.delay, 0.0
        reply = Reply(self.market, number, request, result, error)
        if delay:
            self._exchange.later(delay, lambda: self._put(reply))
        else:
            self._put(reply)
        return number

    def connect(self, session: int, symbols: Sequence[Symbol], tapes: Collection[Symbol]) -> None:
        """Open a stream session for `symbols`, with public trades of those in `tapes`."""
        self.disconnect()
        bite = self._exchange.faults.bite(Event(Place.UPGRADE, self._key.account))
        if bite is not None:
            status = bite.whole("status") if "status" in bite.options else page(503).status
            error = ExchangeUnavailable(f"the stream was refused with {status}")
            self._put(StreamClosed(self.market, session, error))
            return
        self._relief.new_session()
        self._bad_texts = BadTexts()
        self._protocol = StreamProtocol(self._directory, self._depth, symbols, tapes)
        exchange = self._exchange
        self._stream = DirectStream(exchange.clock, exchange.later, self.market, session, self._put)
        self._stream.begin(exchange.realtime, exchange.faults, self._key)
        self._put(StreamOpened(self.market, session))
        self._stream.receive(self._protocol.topics.opening())

    def disconnect(self) -> None:
        """Close the stream session, if any, without a `StreamClosed`."""
        if self._stream is not None:
            self._stream.leave()
            self._stream = None

    def receive(self, item: RawText) -> Sequence[Message]:
        """Decode a message of the present session; one of a former session says nothing."""
        stream, protocol = self._stream, self._protocol
        if stream is None or protocol is None or item.session != stream.number:
            return ()
        try:
            messages = list(protocol.feed(item.text, item.received_at))
        except ProtocolError as error:
            is_market = protocol.is_market_data(item.text)
            end = self._bad_texts.note(error, item.received_at, is_market=is_market)
            if end is not None:
                stream.end(end)
            raise
        step = self._relief.look(stream.lag(), item.received_at)
        if step is Step.RELIEVE:
            stream.receive(protocol.leave_market_out())
        elif step is Step.RENEW:
            stream.end(ExchangeUnavailable("the link keeps up again: the session is renewed"))
        for ticker in protocol.take_wanted():
            self._calls.look_up(ticker)
            messages += protocol.release(ticker)
        stream.receive(protocol.take_outgoing())
        if protocol.failure is not None:
            stream.end(protocol.failure)
        return messages

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
        """Nobody counts requests that are carried out at once."""
        return None

    def clock_offset(self) -> float:
        """Return 0, but for the skew of a fault: there is one clock."""
        return self._clock.offset if self._skewed else 0.0

    def stop(self) -> None:
        """Close the stream."""
        self.disconnect()

    def _outcome(self, request: Request) -> tuple[object, TmaticError | None]:
        self._look_at_the_clock()
        try:
            return self._calls.carry_out(request), None
        except TmaticError as error:
            return None, error

    def _look_at_the_clock(self) -> None:
        """Every answer tells the time of the exchange."""
        if not self._skewed and self._exchange.faults.idle:
            return
        self._skewed = True
        now = self._clock.local()
        self._clock.observe(float(int(now + self._exchange.faults.skew())), now, now)

    def _put(self, item: object) -> None:
        if self._inbox is None:
            raise RuntimeError("the gateway was not started")
        self._inbox.put(item)
