"""The process that serves: sockets, connections, and how it starts and ends."""
