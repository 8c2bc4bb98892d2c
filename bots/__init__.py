"""Running strategies: each in a process of its own, behind the published API (docs/bots.md)."""
