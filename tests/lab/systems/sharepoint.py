"""SharePoint and OneDrive: a file by its path; the answer leads to a pre-authenticated address."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import FILES, Call, Refused, StandIn, fact, moved, pdf_answer, route
from lab.strict import Links, OAuthServer

_TENANT: Final = "0f2c3d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
_DRIVE: Final = "b!t18F8ybsHUq1z3LTz8xvZqP8zaSWjkFNhsME-Fepo75dTf9vQKfeRblBZjoSQrd7"
_FOLDER: Final = "Shared Invoices/Acme"


class SharePoint(StandIn):
    preset = "sharepoint"
    row = "SharePoint / OneDrive (Graph)"
    secrets: ClassVar = {"ClientSecret": "q8Q~7c0P2mK5vX9rT1sW4yZ6bN3dF"}
    impossible: ClassVar = {'O\'Brien "7"': "source-status"}
    quoting = "in the path, percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()
        self.oauth = OAuthServer(
            client_id="9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d",
            client_secret=self.secrets["ClientSecret"],
            client_auth="body",
            scope="https://graph.microsoft.com/.default",
        )

    def variables(self) -> dict[str, str]:
        return {
            "BaseUrl": self.api,
            "SignInUrl": self.api,
            "TenantId": _TENANT,
            "ClientId": self.oauth.client_id,
            "DriveId": _DRIVE,
            "Folder": _FOLDER.replace(" ", "%20"),
        }

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.oauth.access

    @route("POST", f"/{_TENANT}/oauth2/v2.0/token", sign_in=True)
    def token(self, call: Call) -> web.Response:
        return self.oauth.token(call, "client_credentials")

    @route("GET", "/v1.0/drives/{drive}/root:/{path:*}:/content")
    def content(self, call: Call, drive: str, path: str) -> web.Response:
        self.oauth.check(call)
        call.no_query()
        if drive != _DRIVE:
            raise _graph_error(404, "itemNotFound", "another drive")
        if re.search(r'["*:<>?|\\]|//', path):
            raise _graph_error(400, "invalidRequest", "no file can have such a name")
        number = path.removeprefix(f"{_FOLDER}/").removesuffix(".pdf")
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft or path != f"{_FOLDER}/{number}.pdf":
            raise _graph_error(404, "itemNotFound", "there is no such file")
        return moved(self.links.make(self.files, invoice.pdf, path="/personal/tempauth/"))

    @route("GET", "/{path:*}", site=FILES)
    def download(self, call: Call, path: str) -> web.Response:
        return pdf_answer(self.links.take(call), content_type="application/octet-stream")

    @fact("The access token isn't sent to the pre-authenticated address.")
    async def drops_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert self.calls[-1].site == FILES
        assert "Authorization" not in self.calls[-1].headers
        assert self.refusals == []

    @fact("An access token that has expired is replaced once, and the request sent again.")
    async def renews_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.oauth.expire()
        await world.fetch_right(NUMBERS[1])
        assert self.oauth.given_out == 2


def _graph_error(status: int, code: str, why: str) -> Refused:
    return Refused(status, why, data={"error": {"code": code, "message": why}})
