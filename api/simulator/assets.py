"""The currencies of the exchange, as /wallet/assets lists them; nothing comes in or goes out."""

from __future__ import annotations

from api.simulator.ports import Row

SCALES = {"XBt": 8, "USDt": 6, "Gwei": 9, "LAMp": 9}  # decimal places of the unit that books count


def _asset(asset: str, currency: str, name: str, network: str, margin: bool) -> Row:
    scale = SCALES[currency]
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
    _asset("XBT", "XBt", "Bitcoin", "btc", True),
    _asset("USDT", "USDt", "USD Tether", "eth", True),
    _asset("ETH", "Gwei", "Ethereum", "eth", False),
    _asset("SOL", "LAMp", "Solana", "sol", False),
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
