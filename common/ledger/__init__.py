"""The books: what is written of every execution, and the thread that writes it."""
