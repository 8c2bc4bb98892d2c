"""Figures as lines of text, in columns."""

from __future__ import annotations

from tests.bench.registry import Figure


def line(figure: Figure) -> str:
    """Return one line: title, value, the alternative, the ratio and whether the target is met."""
    plain = ratio = ""
    if figure.plain:
        plain = f"{figure.plain_title or 'plain'} {_number(figure.plain)} {figure.unit}"
        ratio = f"{figure.judged:.2f}x"
    value = f"{_number(figure.value)} {figure.unit}"
    return f"  {figure.title:<44} {value:>18}  {plain:<40} {ratio:>8}  {_target(figure)}".rstrip()


def _target(figure: Figure) -> str:
    unit = "x" if figure.plain else f" {figure.unit}"
    bounds = [
        f"{sign} {_number(bound)}{unit}"
        for sign, bound in ((">=", figure.at_least), ("<=", figure.at_most))
        if bound is not None
    ]
    return f"target {', '.join(bounds)}: {'met' if figure.met else 'MISSED'}" if bounds else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
