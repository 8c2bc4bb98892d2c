"""The kernel: one thread that owns all trading state."""
