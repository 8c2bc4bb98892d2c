"""`python3 -m tests.bench [NAME ...]`: run the benchmarks and print them beside plain figures.

Ends with code 0 when every target is met, 1 when one is missed, 2 for an unknown name.
"""

import argparse
import sys

from common import bootstrap


def main(argv: "list[str]") -> int:
    """Run the named benchmarks, or all of them; return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="benchmark to run (default: all)")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and end")
    options = parser.parse_args(argv)
    bootstrap.enter(bootstrap.DEV, window=True, tools=True)
    return _run(options.names, options.list)


def _run(names: "list[str]", only_list: bool) -> int:
    from tests.bench.registry import benchmarks  # noqa: PLC0415 -- after the set-up
    from tests.bench.report import line  # noqa: PLC0415 -- after the set-up

    known = benchmarks()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names or known:
        print(f"{name}: {known[name].title}", flush=True)
        for figure in () if only_list else known[name].run():
            print(line(figure), flush=True)
            missed += not figure.met
    if missed:
        print(f"{missed} targets missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
