"""Ports for servers of this machine."""

import socket


def free_port() -> int:
    """A port of the loopback interface that nothing uses, and that no other program is given within the next minute."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        probe.listen()
        # The side that ends a connection first keeps the port in TIME_WAIT: a server that asks for it by number gets it.
        with socket.create_connection(probe.getsockname()) as caller:
            probe.accept()[0].close()
            caller.recv(1)
        port: int = probe.getsockname()[1]
        return port
