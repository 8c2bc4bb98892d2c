"""The embedded exchange: a complete venue on loopback for demo, paper trading, tests and back-tests."""
