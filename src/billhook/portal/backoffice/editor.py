"""The editor of an integration in one request: its form, its preview and its page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from billhook.engine.errors import Problem
from billhook.portal.backoffice.pages import page
from billhook.portal.customers.models import Customer
from billhook.portal.editor.form import EditorForm, read_form
from billhook.portal.editor.page import editor_view
from billhook.portal.handover.links import sign_in_link
from billhook.portal.integrations.connection import connection_of
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.sealer import Sealer
from billhook.portal.invoices.access import newest_invoices
from billhook.portal.invoices.models import Invoice
from billhook.portal.notices.access import check_of
from billhook.portal.organisations.models import Member
from billhook.portal.trying.page import preview_problems
from billhook.portal.trying.subject import usual_period
from billhook.portal.trying.trial import Trial, is_sign_in, is_statement, prepare_trial

SECTION: Final = "integrations"
EDITOR_TEMPLATE: Final = "backoffice/integrations/editor.html"
_REMEMBERED: Final = "try_number"
_CUSTOMER_REMEMBERED: Final = "try_customer"
_INVOICES_OFFERED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """The editor for one person: of an integration, or of a new one."""

    request: HttpRequest
    member: Member
    integration: Integration | None = None

    @property
    def sealer(self) -> Sealer:
        """The sealer of typed secrets, from one look at the form to the next."""
        return Sealer(member=self.member)

    def posted(self) -> EditorForm:
        """Return the form as it was sent."""
        form = read_form(self.request.POST.dict(), self.sealer)
        if form.number and not is_sign_in(form):
            self.request.session[_REMEMBERED] = form.number
        if form.customer:
            self.request.session[_CUSTOMER_REMEMBERED] = form.customer
        return form

    def trial(self, form: EditorForm, *, sending: bool = False) -> Trial:
        """Return the request that would be sent for *form*."""
        return prepare_trial(
            member=self.member, integration=self.integration, form=form, sending=sending
        )

    def context(
        self, form: EditorForm, *, problems: tuple[Problem, ...] = (), focus: str = ""
    ) -> dict[str, Any]:
        """Return the values for the editor's template."""
        offered = newest_invoices(self.member, most=_INVOICES_OFFERED)
        if not form.number:
            asked = self.request.GET.get("invoice", "")[:100]  # from the page of an invoice
            form.number = asked or self.request.session.get(_REMEMBERED) or _first_number(offered)
        customers = list({each.customer_id: each.customer for each in offered}.values())
        self._choose_statement(form, customers)
        return {
            "integration": self.integration,
            "check": check_of(self.integration) if self.integration else None,
            "connection": connection_of(self.integration) if self.integration else None,
            "editor": editor_view(form, sealer=self.sealer, problems=problems, focus=focus),
            "invoices": offered,
            "customers": customers,
            "is_statement": is_statement(form),
            "sign_in_link": sign_in_link(self.member.organisation),
        } | self.preview(form)

    def _choose_statement(self, form: EditorForm, customers: Iterable[Customer]) -> None:
        """Fill in the customer and the days of a statement, where nothing was typed."""
        if not form.customer:
            remembered = self.request.session.get(_CUSTOMER_REMEMBERED)
            form.customer = remembered or next((each.number for each in customers), "")
        if not form.start and not form.end:
            usual = usual_period()
            form.start, form.end = usual.start.isoformat(), usual.end.isoformat()

    def preview(self, form: EditorForm) -> dict[str, Any]:
        """Return the values for the preview's template."""
        trial = self.trial(form)
        return {"trial": trial} | preview_problems(form, trial)

    def answer(
        self,
        form: EditorForm,
        *,
        problems: tuple[Problem, ...] = (),
        focus: str = "",
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        """Return the editor's page with *form* in it."""
        context = self.context(form, problems=problems, focus=focus) | more
        return page(
            self.request, self.member, EDITOR_TEMPLATE, context, section=SECTION, status=status
        )


def _first_number(invoices: Iterable[Invoice]) -> str:
    return next((invoice.number for invoice in invoices), "")
