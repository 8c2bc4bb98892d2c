"""Where candles come from: the demo's exchange, and downloads that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from api.simulator.bars import minute_of
from api.simulator.demo_history import DemoHistory
from api.simulator.store import StateFile
from api.simulator.venue import LiveVenue
from bots.backtest.source import ExchangeCandles, demo_bars
from common.domain.executions import Network
from common.domain.market import Candle
from common.engine.items import Reply
from common.engine.ports import Gateway, Inbox
from common.engine.requests import FetchCandles
from common.errors import ConfigurationError, ExchangeUnavailable, TmaticError
from common.settings_types import Depth, MarketSettings, Secret
from tests.api.simulator.venues import START
from tests.bots.backtest.walk import BEGIN, SYMBOL, contract, walk

MARKET = MarketSettings(
    name="Bitmex",
    network=Network.REAL,
    http_url="http://127.0.0.1:1/api/v1/",
    ws_url="ws://127.0.0.1:1/realtime",
    api_key=Secret("key"),
    api_secret=Secret("secret"),
    symbols=(SYMBOL,),
    currencies=("USDt",),
    depth=Depth.TEN,
)
END = BEGIN + timedelta(minutes=30)


class Exchange:
    """A gateway that has candles, or a reason to have none."""

    def __init__(self, candles: Sequence[Candle] = (), error: TmaticError | None = None) -> None:
        self.asked: list[FetchCandles] = []
        self.stopped = 0
        self._candles = candles
        self._error = error
        self._inbox: Inbox | None = None

    def connect(self, _: MarketSettings) -> Gateway:
        return cast("Gateway", self)

    def start(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def request(self, request: FetchCandles) -> int:
        self.asked.append(request)
        assert self._inbox is not None
        self._inbox.put(Reply("Bitmex", 1, request, tuple(self._candles), self._error))
        return 1

    def stop(self) -> None:
        self.stopped += 1


def test_a_download_is_kept_and_not_repeated(tmp_path: Path) -> None:
    bars = walk(60)
    exchange = Exchange(bars.candles(0, 60, 1))
    source = ExchangeCandles(MARKET, tmp_path, exchange.connect)
    first = source.read(contract(), BEGIN, END)
    assert list(first) == list(bars)[:30]
    assert list(source.read(contract(), BEGIN, END)) == list(first)
    assert [request.symbol for request in exchange.asked] == [SYMBOL]
    assert exchange.stopped == 1


def test_what_is_not_complete_is_not_kept(tmp_path: Path) -> None:
    exchange = Exchange(walk(20).candles(0, 20, 1))
    source = ExchangeCandles(MARKET, tmp_path, exchange.connect)
    assert len(source.read(contract(), BEGIN, END)) == 20
    assert list(tmp_path.iterdir()) == []


def test_a_gap_and_an_exchange_that_is_gone_are_sentences(tmp_path: Path) -> None:
    candles = walk(20).candles(0, 20, 1)
    holed = Exchange([*candles[:5], *candles[6:]])
    with pytest.raises(ConfigurationError, match=r"no candle of XBTUSDT at 2025-03-01 00:05"):
        ExchangeCandles(MARKET, tmp_path, holed.connect).read(contract(), BEGIN, END)
    gone = Exchange(error=ExchangeUnavailable("cannot be reached"))
    with pytest.raises(ConfigurationError, match=r"gives no candles: cannot be reached; name a"):
        ExchangeCandles(MARKET, tmp_path, gone.connect).read(contract(), BEGIN, END)


def test_the_demo_is_read_while_its_exchange_runs(tmp_path: Path) -> None:
    state = tmp_path / "exchange.json"
    venue = LiveVenue(seed=3, now=START)
    with StateFile(state) as file:  # as the running exchange holds it
        venue.advance(START + timedelta(minutes=20))
        file.save(venue.dump())
        bars, rate = demo_bars(state, contract(), START - timedelta(hours=3), START)
        assert bars.first == minute_of(START - timedelta(hours=3))
        assert len(bars) == 180
        told = venue.candles_of("XBTUSDT").bars(bars.first, bars.first + 179, 1, bars.end)
        assert [bar.close for bar in bars] == [bar.close for _, bar in told]
        assert rate is not None
        later = DemoHistory(state).bars(contract(), START, START + timedelta(days=1))
        assert later.end == minute_of(START + timedelta(minutes=20))


def test_a_demo_without_a_past_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no past yet: start the terminal once"):
        demo_bars(tmp_path / "exchange.json", contract(), BEGIN, END)
