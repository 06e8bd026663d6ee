"""An organisation's own site: it hands its customers over to the portal, and embeds it.

It is at another site than the portal, as browsers see it: ``localhost`` instead of ``127.0.0.1``.
As a program, it connects the organisation of a running demo with the site whose address it is
given.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_PAGE = """<!doctype html><html lang="en"><title>Our site</title>
<h1>Our site</h1><p><a id="link" href="{link}">My invoices</a></p>
<iframe id="invoices" title="Invoices" style="width: 100%; height: 10rem" src="{frame}"></iframe>
<script>
  addEventListener("message", (event) => {{
    if (event.origin !== "{portal}" || event.data.type !== "billhook:height") return;
    document.getElementById("invoices").style.height = `${{event.data.height}}px`;
  }});
</script>"""


class OwnSite:
    """The running site. Its ``portal`` and ``path`` of the sign-in are set once they are known."""

    def __init__(self) -> None:
        self.portal = self.path = ""
        self.person = "dana@meridian.example"
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_address[1]
        self.origin = f"http://localhost:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def link(self, **more: str) -> str:
        """Return a link to the portal with a new token."""
        token = secrets.token_hex(8)
        self.tokens.add(token)
        added = "".join(f"&{name}={value}" for name, value in more.items())
        return f"{self.portal}{self.path}?authToken={token}{added}"

    def close(self) -> None:
        """Stop the site."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _respond(self, path: str) -> tuple[int, str, str]:
        url = urlsplit(path)
        if url.path == "/who":
            (token,) = parse_qs(url.query)["t"]
            self.asked.append(token)
            if token not in self.tokens:
                return 404, "application/json", "{}"
            self.tokens.discard(token)
            return 200, "application/json", json.dumps({"ContactEmail": self.person})
        page = _PAGE.format(
            link=self.link(invoice="INV0000004"),
            frame=self.link(noChrome="true"),
            portal=self.portal,
        )
        return 200, "text/html; charset=utf-8", page

    def _handler(site: OwnSite) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the inner has self
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, text = site._respond(self.path)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        return Handler


def connect(origin: str, port: str) -> None:
    """Let the demo's organisation ask the site about tokens, and be embedded by it."""
    from billhook.server.django_setup import set_up_django

    set_up_django()
    from billhook.engine.config import CommandConfig, StepConfig
    from billhook.portal.handover.services import set_parents
    from billhook.portal.integrations.drafts import Draft
    from billhook.portal.integrations.services import create_integration
    from billhook.portal.organisations.models import Organisation

    organisation = Organisation.objects.get()
    step = StepConfig(url=f"http://127.0.0.1:{port}/who?t={{{{authToken}}}}")
    command = CommandConfig(name="LoginWithToken", steps=(step,))
    create_integration(organisation=organisation, draft=Draft(name="Site", commands=(command,)))
    set_parents(organisation=organisation, parents=(origin,))
    sys.stdout.write(f"/authentication/{organisation.id}/login")


if __name__ == "__main__":
    connect(*sys.argv[1:])
