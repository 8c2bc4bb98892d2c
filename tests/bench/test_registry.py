"""Figures are judged and shown as they are."""

from __future__ import annotations

import pytest

from tests.bench.registry import Figure, benchmarks
from tests.bench.report import line


@pytest.mark.parametrize(
    ("figure", "met", "words"),
    [
        (Figure("a", 80.0, "msg/s", plain=100.0, at_least=0.6), True, "0.80x  target >= 0.6x: met"),
        (Figure("a", 50.0, "msg/s", plain=100.0, at_least=0.6), False, "target >= 0.6x: MISSED"),
        (Figure("a", 4.0, "MB", at_most=5.0), True, "target <= 5 MB: met"),
        (Figure("a", 6.0, "MB", at_most=5.0), False, "target <= 5 MB: MISSED"),
        (Figure("a", 123456.0, "msg/s"), True, "123,456 msg/s"),
    ],
)
def test_a_figure_is_judged_by_its_ratio_or_else_by_itself(
    figure: Figure, met: bool, words: str
) -> None:
    assert figure.met is met
    assert line(figure).endswith(words)


def test_every_benchmark_has_a_title() -> None:
    assert all(benchmark.title for benchmark in benchmarks().values())
