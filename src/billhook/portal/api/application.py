"""The operations of the API, as django-ninja has them."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser
from pydantic import ValidationError as FieldsError

from billhook.portal.api.json_body import read_json
from billhook.portal.api.resources import (
    contacts,
    customers,
    integrations,
    invoices,
    jobs,
    keys,
    runs,
    webhooks,
)
from billhook.portal.api.validation import validation_problem


class _StrictParser(Parser):
    """Reads bodies as :mod:`json_body` does."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the JSON in the body."""
        return read_json(request)


class Api(NinjaAPI):
    """The API. Every error leaves it as an exception, for the edge to respond to."""

    def on_exception(self, request: HttpRequest, exc: Any) -> HttpResponse:  # noqa: ARG002
        """Raise *exc*, or the problem that it means."""
        if isinstance(exc, ValidationError):
            raise validation_problem(exc.errors) from None
        if isinstance(exc, FieldsError):  # of a value in the path that is one of the fields
            raise validation_problem(exc.errors(), skip=0) from None
        if isinstance(exc, HttpError):  # ninja's word for a body that its parser refuses
            raise exc.__cause__ or exc
        raise exc

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return the name of the function: each is there once."""
        return operation.view_func.__name__


def _made() -> Api:
    made = Api(
        title="Billhook", version="1", docs_url=None, openapi_url=None, parser=_StrictParser()
    )
    for room in (customers, contacts, invoices, integrations, runs, jobs, keys, webhooks):
        made.add_router("", room.router, tags=[room.TAG])
    return made


api: Final = _made()
