"""A source that names its documents with ETags, and can be made to fail."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reportlab.pdfgen.canvas import Canvas


def _pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.drawString(72, 720, "Invoice INV-1")
    canvas.save()
    return file.getvalue()


class KnownSource:
    """Has the same PDF for every number; ``asked`` has the path and If-None-Match of requests."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.fails = False
        self.document = _pdf()
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                condition = self.headers.get("If-None-Match")
                source.asked.append((self.path, condition))
                status = 500 if source.fails else 304 if condition == '"1"' else 200
                content = source.document if status == 200 else b""
                self.send_response(status)
                self.send_header("ETag", '"1"')
                self.send_header("Content-Type", "application/pdf")
                if status != 304:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
