"""Wallet currencies: the shipped table and the names it gives to the exchange's codes.

The table stands in until, and where, the exchange does not serve its own. Scale: integers of the
currency count units of 10**-scale. Source: GET /wallet/assets, May 2026.
"""

from __future__ import annotations

from common.domain.instruments import Currency

_CODES_BY_SCALE = {
    8: "AAVe ADa APe AVAx AXs BCh BNb DOt FTm FTt GATa GOAt HYPe LINk LTc MANa MATIc NEAr OKb SANd "
    "STLs SUSHi TAXTRUMp TRUMp UNi WBTc XBt XTz s",
    6: "ATOm BMEx BUSd CRo DAi DOGe MAMUSd RLUSd TRx USDc USDe USDt XAUt XRp fjUSDt",
    9: "Gwei LAMp POl",
    5: "BONk FTr KAMa LOt SHIb",
}
_OTHER_NAMES = {"Gwei": "ETH", "LAMp": "SOL"}  # the code is not a spelling of the name

SHIPPED: tuple[Currency, ...] = tuple(
    Currency(code=code, major=_OTHER_NAMES.get(code, code.upper()), scale=scale)
    for scale, codes in _CODES_BY_SCALE.items()
    for code in codes.split()
)
