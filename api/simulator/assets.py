"""The currencies of the exchange, as /wallet/assets lists them; nothing comes in or goes out."""

from __future__ import annotations

from api.simulator.ports import Row


def _asset(asset: str, currency: str, name: str, scale: int, network: str, margin: bool) -> Row:
    least = 10 ** max(0, scale - 4)
    return {
        "asset": asset,
        "currency": currency,
        "majorCurrency": asset,
        "name": name,
        "currencyType": "Crypto",
        "scale": scale,
        "enabled": True,
        "isMarginCurrency": margin,
        "minDepositAmount": least,
        "minWithdrawalAmount": least,
        "maxWithdrawalAmount": 10**14,
        "memoRequired": False,
        "networks": [
            {
                "asset": network,
                "depositEnabled": False,
                "withdrawalEnabled": False,
                "withdrawalFee": least,
                "minFee": least,
                "maxFee": least,
            }
        ],
    }


ASSETS = (
    _asset("XBT", "XBt", "Bitcoin", 8, "btc", True),
    _asset("USDT", "USDt", "USD Tether", 6, "eth", True),
    _asset("ETH", "Gwei", "Ethereum", 9, "eth", False),
    _asset("SOL", "LAMp", "Solana", 9, "sol", False),
)


def _network(network: str, name: str, currency: str, confirmations: int) -> Row:
    return {
        "network": network,
        "name": name,
        "currency": currency,
        "networkSymbol": network.upper(),
        "transactionExplorer": "",
        "tokenExplorer": "",
        "depositConfirmations": confirmations,
        "enabled": False,
    }


NETWORKS = (
    _network("btc", "Bitcoin", "XBt", 1),
    _network("eth", "Ethereum", "Gwei", 12),
    _network("sol", "Solana", "LAMp", 1),
)
