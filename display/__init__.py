"""What the user sees: texts and colours of a snapshot, and the window that paints them.

Nothing here opens a socket, a file or a database, and no thread but the window's comes in.
"""
