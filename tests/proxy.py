"""A TCP proxy to the database that can drop a connection at a chosen statement."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, connections


class Proxy:
    """
    Passes bytes between the tests' connections and the database's server.

    ``cut_at`` waits for the first statement with the given text. It drops the connection before
    the server gets the statement, or after the server has answered, so that the answer is lost.

    Attributes:
        is_refusing: whether it accepts no more connections, as a server that has no more.
        refused: how many it has not accepted.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.seen: list[bytes] = []
        self.is_refusing = False
        self.refused = 0
        self._text = b""
        self._is_answered = False
        self._meanwhile: Callable[[], object] = lambda: None
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(
        self, text: str, *, answered: bool = False, meanwhile: Callable[[], object] | None = None
    ) -> None:
        """
        Drop the connection at the next statement with this text.

        Args:
            answered: whether the server gets the statement and answers it.
            meanwhile: called before the client's connection is closed.
        """
        self.seen.clear()
        self._meanwhile = meanwhile or (lambda: None)
        self._is_answered = answered
        self._text = text.encode()

    def close(self) -> None:
        """Accept no more connections, and drop the existing ones."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            _close(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.is_refusing:
                    self.refused += 1
                    _close(client)
                    continue
                try:
                    server = socket.create_connection(self.server)
                except OSError:
                    _close(client)
                    continue
                self._sockets += [client, server]
                is_lost = threading.Event()
                for target in (self._upward, self._downward):
                    threading.Thread(
                        target=target, args=(client, server, is_lost), daemon=True
                    ).start()

    def _upward(
        self, client: socket.socket, server: socket.socket, is_lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                self.seen.append(data)
                if self._text and self._text in data:
                    self._text = b""
                    is_lost.set()  # tells the other direction to pass nothing on
                    if self._is_answered:
                        server.sendall(data)
                        return
                    # Which rolls back. Not closed, since the other direction would have an error
                    # instead of an end, and close the client's connection too early.
                    server.shutdown(socket.SHUT_RDWR)
                    self._meanwhile()
                    break
                server.sendall(data)
        _close(client)
        _close(server)

    def _downward(
        self, client: socket.socket, server: socket.socket, is_lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if is_lost.is_set():
                    self._meanwhile()
                    break
                client.sendall(data)
            else:
                if is_lost.is_set():
                    return  # the other direction closes
        _close(client)
        _close(server)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextlib.contextmanager
def connected(**options: Any) -> Iterator[None]:
    """Reconnect to the tests' database with other options; undo this after the block."""
    settings = connection.settings_dict
    before = dict(settings)
    settings["HOST"] = options.pop("host", settings["HOST"])
    settings["PORT"] = options.pop("port", settings["PORT"])
    settings["OPTIONS"] = settings["OPTIONS"] | options
    reopen()
    try:
        yield
    finally:
        settings.update(before)
        reopen()


def reopen() -> None:
    connections.close_all()
    if connection.vendor == "postgresql":
        connection.close_pool()


@contextlib.contextmanager
def proxied() -> Iterator[Proxy]:
    """Reconnect to the tests' database through a Proxy."""
    settings = connection.settings_dict
    default_port = 5432 if connection.vendor == "postgresql" else 3306
    proxy = Proxy((settings["HOST"] or "127.0.0.1", int(settings["PORT"] or default_port)))
    plain = {"sslmode": "disable"} if connection.vendor == "postgresql" else {}
    with connected(host="127.0.0.1", port=proxy.port, **plain):
        yield proxy
    proxy.close()


def elsewhere(action: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that runs the action in another thread, on another connection."""

    def run() -> Any:
        result: list[Any] = []

        def target() -> None:
            try:
                result.append(action())
            finally:
                connections.close_all()

        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
        return result[0]

    return run
