"""The embedded exchange: a complete venue on loopback, for the demo, for tests and back-tests."""
