"""`python -m bots.catalog [FOLDER]`: tell which strategies a folder offers, as one line of JSON.

It imports every module of the folder, so it runs in a process of its own, like a strategy does. A
strategy is a class that derives from `bots.api.Strategy`, or a function that can be called with
robot, frame, ticker and instrument; it is found in the module that defines it.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bots import api, loading
from bots.declared import info_of
from common.domain.parameters import Catalog, ParameterKind, ParameterSpec, StrategyInfo

PARTS = ("robot", "frame", "ticker", "instrument")


def read_folder(folder: Path) -> Catalog:
    """Import the modules of a folder and return what they offer."""
    loading.open_folder(str(folder))
    sys.dont_write_bytecode = True
    strategies: list[StrategyInfo] = []
    problems: list[str] = []
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        if module in ("__init__", "init") or not module.replace(".", "").isidentifier():
            continue
        file = path.relative_to(folder).as_posix()
        try:
            strategies += _strategies(module, file)
        except BaseException as error:  # noqa: BLE001 - a module may raise anything
            problems.append(f"{file}: {loading.describe(error)}")
    return Catalog(tuple(strategies), tuple(problems))


def _strategies(module: str, file: str) -> Iterator[StrategyInfo]:
    found = importlib.import_module(f"algo.{module}")
    for name, value in sorted(vars(found).items()):
        own = not name.startswith("_") and getattr(value, "__module__", "") == found.__name__
        if own and is_strategy(value):
            yield info_of(f"{module}:{name}", value, file)


def is_strategy(value: object) -> bool:
    """Whether a bot can run this."""
    if isinstance(value, type):
        return issubclass(value, api.Strategy)
    return inspect.isfunction(value) and set(PARTS) <= set(inspect.signature(value).parameters)


def encode(catalog: Catalog) -> str:
    """Return a catalog as JSON text."""
    return json.dumps(dataclasses.asdict(catalog), default=str)


def decode(text: str) -> Catalog:
    """Return the catalog of a JSON text. ValueError, TypeError or LookupError: it is none."""
    row = json.loads(text)
    return Catalog(
        tuple(_info(each) for each in row["strategies"]), tuple(map(str, row["problems"]))
    )


def _info(row: dict[str, Any]) -> StrategyInfo:
    specs = tuple(
        ParameterSpec(
            **{**spec, "kind": ParameterKind(spec["kind"]), "choices": tuple(spec["choices"])}
        )
        for spec in row["parameters"]
    )
    return StrategyInfo(**{**row, "parameters": specs})


def main() -> None:
    """Print the catalog on the pipe that was 1; what modules print goes nowhere."""
    inlet = os.dup(0)
    outlet = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    threading.Thread(target=_end_with_terminal, args=(inlet,), daemon=True).start()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else loading.PROGRAM_ALGO
    outlet.write(encode(read_folder(folder)))
    outlet.flush()
    os._exit(0)  # threads that a module has started hold nobody up


def _end_with_terminal(inlet: int) -> None:
    """End this process when nobody waits for it any more, even in the middle of an import."""
    while os.read(inlet, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
