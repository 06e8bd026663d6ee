"""Tryton: JSON-RPC with a session of its own, and reports in base 64 with line breaks."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, json_answer, route

DATABASE, USER, USER_ID = "acme", "billhook", 7
NOT_ALLOWED = 'You are not allowed to access "Invoice".'


class Tryton(StandIn):
    preset = "tryton"
    row = "Tryton"
    secrets: ClassVar = {"Password": 'p4ss"word<&>7'}
    quoting = "in a JSON string; nothing of a URL"

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []
        self.may_read = True

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "Database": DATABASE, "User": USER}

    @route("POST", "/acme/", sign_in=True)
    def rpc(self, call: Call) -> web.Response:
        message = call.json()
        if message["method"] == "common.db.login":
            return self._login(call, message, *message["params"])
        if self.is_failing:
            return json_answer({}, status=500)
        self._check_session(call)
        if not self.may_read:
            return _error(message, NOT_ALLOWED)
        if message["method"] == "model.account.invoice.search_read":
            return _result(message, self._search(*message["params"]))
        if message["method"] == "report.account.invoice.execute":
            return _result(message, self._print(*message["params"]))
        return _error(message, "no such method")

    def _login(self, call: Call, message: Any, user: str, parameters: Any) -> web.Response:
        if "Authorization" in call.headers:
            raise Refused(400, "a login carries a session")
        if (user, parameters) != (USER, {"password": self.secrets["Password"]}):
            raise Refused(401, "unknown user or wrong password", content_type="text/html")
        self.keys.append(f"{len(self.keys):064x}")
        return _result(message, [USER_ID, self.keys[-1]])

    def _check_session(self, call: Call) -> None:
        wanted = f"{USER}:{USER_ID}:{self.keys[-1] if self.keys else ''}"
        value = f"Session {base64.b64encode(wanted.encode()).decode()}"
        call.needs("Authorization", value, status=401)

    def _search(self, domain: Any, *rest: Any) -> list[dict[str, int]]:
        assert domain[1:] == [["type", "=", "out"], ["state", "in", ["posted", "paid"]]]
        assert rest == (0, 2, None, ["id"], {})
        [field, operator, number] = domain[0]
        assert (field, operator) == ("number", "=")
        found = [each for each in self.invoices if each.number == number and not each.is_draft]
        return [{"id": each.serial} for each in found]

    def _print(self, ids: list[int], data: Any, context: Any) -> list[Any]:
        [serial] = ids
        pdf = self.get(serial=serial).pdf
        text = base64.encodebytes(pdf).decode()
        return ["pdf", {"__class__": "bytes", "base64": text}, 0, "Invoice"]

    @fact("All runs share one session, and it is opened again when it has ended.")
    async def shares_the_session(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        await world.fetch_right("00123")
        assert len(self.keys) == 1
        self.keys.append("ended")
        await world.fetch_right("INV0000001")
        assert len(self.keys) == 3

    @fact("A missing right is reported in Tryton's own words.")
    async def says_what_is_not_allowed(self, world: Any) -> None:
        self.may_read = False
        assert await world.reason("INV0000001") == NOT_ALLOWED


def _result(message: Any, result: Any) -> web.Response:
    return json_answer({"id": message["id"], "result": result})


def _error(message: Any, why: str) -> web.Response:
    return json_answer({"id": message["id"], "error": ["UserError", [why, "", None]]})
