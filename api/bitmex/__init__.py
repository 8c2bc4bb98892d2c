"""The gateway to BitMEX, and to every exchange that speaks its protocol."""
