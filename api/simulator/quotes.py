"""Rows of the public market: instruments, quotes and books."""

from __future__ import annotations

from api.simulator.closing_quotes import Quote
from api.simulator.contracts import BUY, INDEX_CODE, MILLION, Kind
from api.simulator.instruments import Instrument
from api.simulator.matching import Side
from api.simulator.ports import Row
from api.simulator.prices import HOUR, funding_period, funding_time
from api.simulator.rows import present
from api.simulator.times import iso, milliseconds, timespan

BOOK_TEN = 10
_IMPACT_LOTS = 500


def quote_row(instrument: Instrument, time: int) -> Row:
    """Return best prices and their sizes."""
    bids, asks = instrument.book.bids, instrument.book.asks
    price = instrument.contract.price
    row: Row = {"timestamp": iso(time), "symbol": instrument.symbol}
    if bids.best is not None:
        row |= {"bidSize": bids.levels[bids.best].size, "bidPrice": price(bids.best)}
    if asks.best is not None:
        row |= {"askPrice": price(asks.best), "askSize": asks.levels[asks.best].size}
    return row


def best_quote(instrument: Instrument) -> Quote:
    """Return best prices and their sizes in ticks and contracts."""
    bids, asks = instrument.book.bids, instrument.book.asks
    bid, ask = bids.best, asks.best
    return Quote(
        bid,
        0 if bid is None else bids.levels[bid].size,
        ask,
        0 if ask is None else asks.levels[ask].size,
    )


def ladder(instrument: Instrument, side: Side) -> list[list[float]]:
    """Return the ten best [price, size] of a side, best first."""
    price = instrument.contract.price
    return [
        [price(ticks), side.levels[ticks].size]
        for ticks in side.prices(BOOK_TEN)
        if side.levels[ticks].size
    ]


def static_columns(instrument: Instrument) -> Row:
    """Return the columns that stay as long as the contract."""
    contract = instrument.contract
    spot, inverse = contract.is_spot, contract.kind is Kind.INVERSE
    per_unit = contract.ticks_per_unit
    expiry = iso(milliseconds(contract.expiry)) if contract.expiry is not None else None
    row: Row = {
        "symbol": contract.symbol,
        "rootSymbol": contract.root,
        "state": instrument.state,
        "typ": contract.typ,
        "listing": contract.listing,
        "front": None if spot else contract.listing,
        "expiry": expiry,
        "settle": expiry,
        "listedSettle": expiry,
        "positionCurrency": contract.position_currency,
        "underlying": contract.underlying,
        "quoteCurrency": contract.quote,
        "underlyingSymbol": contract.index.removeprefix(".B") + "=",
        "reference": "BMEX",
        "referenceSymbol": contract.index,
        "maxOrderQty": contract.max_quantity,
        "maxPrice": contract.max_price,
        "minPrice": contract.step / per_unit,
        "lotSize": contract.lot,
        "tickSize": contract.step / per_unit,
        "minTick": 1 / per_unit if spot else 1 / contract.mark_scale,
        "multiplier": contract.multiplier,
        "settlCurrency": None if spot else contract.money,
        "underlyingToPositionMultiplier": contract.position_multiplier,
        "underlyingToSettleMultiplier": contract.multiplier if inverse else None,
        "isQuanto": contract.kind is Kind.QUANTO,
        "isInverse": inverse,
        "initMargin": contract.initial_ppm / MILLION,
        "maintMargin": contract.maintenance_ppm / MILLION,
        "riskLimit": contract.risk_limit,
        "riskStep": contract.risk_step,
        "capped": False,
        "taxed": True,
        "deleverage": not spot,
        "makerFee": contract.maker_ppm / MILLION,
        "takerFee": contract.taker_ppm / MILLION,
        "settlementFee": 0,
        "instantPnl": not spot,
        "instrumentID": contract.number,
        "pool": "Primary",
    }
    if contract.is_perpetual:
        pair = f"{contract.underlying}{contract.quote}"
        row |= {
            "fundingBaseSymbol": f".{contract.underlying}BON8H",
            "fundingQuoteSymbol": f".{contract.quote}BON8H",
            "fundingPremiumSymbol": f".{pair}PI8H",
            "fundingBaseRate": 0.0003,
            "fundingQuoteRate": 0.0006,
            "fundingInterval": timespan(8),
        }
    return row


def book_columns(instrument: Instrument) -> Row:
    """Return the columns that follow the book."""
    bids, asks = instrument.book.bids, instrument.book.asks
    price = instrument.contract.price
    bid, ask = bids.best, asks.best
    impact_bid, impact_ask = _impact(instrument, bids), _impact(instrument, asks)
    both = bid is not None and ask is not None
    middle = None
    if impact_bid is not None and impact_ask is not None:
        middle = round((impact_bid + impact_ask) / 2, 4)
    return {
        "bidPrice": None if bid is None else price(bid),
        "midPrice": (bid + ask) / (2 * instrument.contract.ticks_per_unit)
        if bid is not None and ask is not None
        else None,
        "askPrice": None if ask is None else price(ask),
        "impactBidPrice": impact_bid,
        "impactMidPrice": middle,
        "impactAskPrice": impact_ask,
        "hasLiquidity": both,
    }


def figure_columns(instrument: Instrument) -> Row:
    """Return the figures of the contract that its owner may change."""
    contract = instrument.contract
    return {"lotSize": contract.lot, "tickSize": contract.step / contract.ticks_per_unit}


def trade_columns(instrument: Instrument) -> Row:
    """Return the columns that follow the trades."""
    contract, price = instrument.contract, instrument.contract.price
    hours = instrument.hours
    volume = sum(hour.volume for hour in hours)
    turnover = sum(hour.turnover for hour in hours)
    running = hours[-1]
    home, foreign = _notionals(instrument, volume, turnover)
    day_ago = instrument.price_a_day_ago
    row: Row = {
        "prevTotalVolume": instrument.total_volume - running.volume,
        "totalVolume": instrument.total_volume,
        "volume": running.volume,
        "volume24h": volume,
        "prevTotalTurnover": instrument.total_turnover - running.turnover,
        "totalTurnover": instrument.total_turnover,
        "turnover": running.turnover,
        "turnover24h": turnover,
        "homeNotional24h": home,
        "foreignNotional24h": foreign,
        "prevPrice24h": price(day_ago),
        "vwap": average_traded(instrument, volume, turnover),
        "highPrice": price(max(hour.high for hour in hours)),
        "lowPrice": price(min(hour.low for hour in hours)),
        "lastPrice": price(instrument.last),
        "lastPriceProtected": price(instrument.last),
        "lastTickDirection": instrument.direction,
        "lastChangePcnt": round(instrument.last / day_ago - 1, 4),
    }
    if contract.is_spot:
        row["markPrice"] = price(instrument.last)
    return row


def mark_columns(instrument: Instrument, time: int) -> Row:
    """Return the columns that follow mark price, funding and clock."""
    contract, scale = instrument.contract, instrument.contract.mark_scale
    hour = time // HOUR * HOUR
    row: Row = {
        "state": instrument.state,
        "openingTimestamp": iso(hour),
        "closingTimestamp": iso(hour + HOUR),
        "openInterest": instrument.open_interest,
        "openValue": instrument.value_at_mark(instrument.open_interest),
        "markMethod": "LastPrice" if contract.is_spot else "FairPrice",
        "markPrice": instrument.mark / scale,
        "prevClosePrice": instrument.previous_close / scale,
    }
    if instrument.settled is not None:
        row["settledPrice"] = instrument.settled / scale
    if contract.is_spot:
        return row
    row |= {
        "fairMethod": "FundingRate" if contract.is_perpetual else "ImpactMidPrice",
        "fairBasisRate": 0.04,
        "fairBasis": (instrument.mark - instrument.index) / scale,
        "fairPrice": instrument.mark / scale,
        "indicativeSettlePrice": instrument.index / scale,
    }
    if contract.kind is Kind.QUANTO:
        row["quoteToSettleMultiplier"] = instrument.prices.satoshi_per_dollar(instrument.marked)
    elif contract.quote_multiplier is not None:
        row["quoteToSettleMultiplier"] = contract.quote_multiplier
    if contract.is_perpetual:
        interval, _ = funding_period(time)
        rate = instrument.prices.funding_ppm(contract, interval) / MILLION
        row |= {
            "fairBasisRate": round(rate * 3 * 365, 5),
            "fundingTimestamp": iso(funding_time(interval)),
            "fundingRate": rate,
            "indicativeFundingRate": instrument.prices.funding_ppm(contract, interval + 1)
            / MILLION,
        }
    return row


def instrument_row(instrument: Instrument, time: int) -> Row:
    """Return a whole instrument."""
    return present(
        static_columns(instrument)
        | trade_columns(instrument)
        | book_columns(instrument)
        | mark_columns(instrument, time)
        | {"timestamp": iso(instrument.updated)}
    )


def index_row(instrument: Instrument) -> Row:
    """Return the row of the index that an instrument refers to."""
    contract = instrument.contract
    price = instrument.index / contract.mark_scale
    return {
        "symbol": contract.index,
        "rootSymbol": contract.root,
        "state": "Unlisted",
        "typ": INDEX_CODE,
        "underlying": contract.underlying,
        "quoteCurrency": contract.quote,
        "tickSize": 1 / contract.mark_scale,
        "isQuanto": False,
        "isInverse": False,
        "lastPrice": price,
        "markMethod": "LastPrice",
        "markPrice": price,
        "reference": "BMI",
        "referenceSymbol": contract.index,
        "timestamp": iso(instrument.marked),
    }


def _impact(instrument: Instrument, side: Side) -> float | None:
    """Return the average price of trading a usual amount against a side."""
    wanted = left = _IMPACT_LOTS * instrument.contract.lot
    total = 0
    for ticks in side.prices():
        taken = min(left, side.levels[ticks].size)
        total += taken * ticks
        left -= taken
        if not left:
            return round(total / wanted / instrument.contract.ticks_per_unit, 4)
    return None


def _notionals(instrument: Instrument, volume: int, turnover: int) -> tuple[float, float]:
    rate = instrument.prices.satoshi_per_dollar(instrument.marked)
    home, foreign = instrument.contract.notionals(BUY, volume, turnover, rate)
    return home, abs(foreign)


def average_traded(instrument: Instrument, volume: int, turnover: int) -> float | None:
    """Return the volume-weighted price of a volume that was worth `turnover`."""
    contract = instrument.contract
    if not volume or not turnover:
        return None
    if contract.kind is Kind.INVERSE:
        return round(-contract.multiplier * volume / turnover, 4)
    if contract.is_spot:
        units = (contract.position_multiplier or 1) / (contract.quote_multiplier or 1)
        return round(turnover / volume * units, 4)
    return round(turnover / (volume * contract.multiplier), 4)
