"""What tests stand on: waiting, child processes, a display, a database, an exchange.

The fixtures built from these modules are defined, with their documentation, in `tests/conftest.py`.
"""
