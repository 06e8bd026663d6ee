"""A mail server on loopback that replies as a test wants, and keeps the mail that it takes."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class SmtpServer:
    """Takes mail, except where ``replies`` has another reply for a command (``RCPT``: ``550 no``).

    An empty reply closes the connection. With *tls*, it speaks TLS from the first byte.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, **replies: str) -> None:
        self.commands: list[str] = []
        self.mails: list[str] = []
        self._replies = replies
        self._news = threading.Condition()
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with suppress(ssl.SSLError):  # a caller may not trust our certificate
                    server._talk(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def wait_for(self, command: str, *, seconds: float = 60) -> None:
        """Wait until somebody has sent *command*."""
        with self._news:
            assert self._news.wait_for(lambda: command in self.commands, seconds), self.commands

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _talk(self, stream: socketserver.StreamRequestHandler) -> None:
        if not self._reply(stream, "CONNECT", "220 ready"):
            return
        while line := stream.rfile.readline().decode().strip():
            word = line.partition(" ")[0].upper()
            with self._news:
                self.commands.append(word)
                self._news.notify_all()
            usual = {"EHLO": "250-here\r\n250 AUTH PLAIN", "DATA": "354 go on", "QUIT": "221 bye"}
            if not self._reply(stream, word, usual.get(word, "250 ok")) or word == "QUIT":
                return
            if word == "DATA" and "DATA" not in self._replies:
                self._take(stream)

    def _reply(self, stream: socketserver.StreamRequestHandler, word: str, usual: str) -> bool:
        reply = self._replies.get(word, usual)
        stream.wfile.write(f"{reply}\r\n".encode() if reply else b"")
        return bool(reply)

    def _take(self, stream: socketserver.StreamRequestHandler) -> None:
        lines = iter(stream.rfile.readline, b".\r\n")
        self.mails.append(b"".join(lines).decode())
        stream.wfile.write(b"250 taken\r\n")


@contextmanager
def smtp_server(tls: ssl.SSLContext | None = None, **replies: str) -> Iterator[SmtpServer]:
    """Run a mail server for the block."""
    server = SmtpServer(tls, **replies)
    try:
        yield server
    finally:
        server.close()
