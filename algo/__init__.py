"""Your strategies; a profile with a folder `algo` of its own uses that one instead."""
