"""Back-tests: the terminal's own engine, ledger, desk and strategies on a market of bars."""
