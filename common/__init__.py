"""The domain, the ledger and the engine; imports nobody above it."""
