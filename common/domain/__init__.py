"""Values and rules of trading: no sockets, files, database, threads or window."""
