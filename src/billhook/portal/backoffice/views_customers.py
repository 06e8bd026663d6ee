"""Customers and their contacts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billhook.portal.backoffice.forms import CustomerForm, InviteForm
from billhook.portal.backoffice.invitations import mail_contact, report_invitation
from billhook.portal.backoffice.pages import ROWS_ON_A_PAGE, confirm, member_for, page
from billhook.portal.customers import access, services
from billhook.portal.customers.choice import MOST_OFFERED, label_of, offered
from billhook.portal.customers.models import Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.invoices.access import (
    count_of_invoices,
    invoice_counts,
    invoices_of_customer,
)
from billhook.portal.invoices.filters import balances
from billhook.portal.limits.rates import limited
from billhook.portal.mail.access import unsent_invitations
from billhook.portal.mail.services import withdraw_mail
from billhook.portal.notices.access import refused_mailings
from billhook.portal.organisations.models import Member, Role
from billhook.portal.paging.count import Count, count_up_to
from billhook.portal.paging.page import page_of

SECTION = "customers"


@require_safe
def customers(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the customers, all or those that a search finds."""
    member = member_for(request, organisation_id)
    search = _search(request)
    found = access.customers_found(member, search)
    shown = page_of(found, access.BY_NAME, request.GET.get("page", ""), size=ROWS_ON_A_PAGE)
    context = {
        "page": shown,
        "rows": _rows(member, shown.rows),
        "count": access.count_found(member, search),
        "search": search,
        "any": access.has_customers(member),
    }
    return page(request, member, "backoffice/customers/list.html", context, section=SECTION)


@require_safe
def search_customers(request: HttpRequest, organisation_id: str) -> JsonResponse:
    """Respond with the first customers that match what was typed, for the field that searches."""
    member = member_for(request, organisation_id)
    found = offered(access.customers_for_member(member), _search(request))
    is_more = len(found) > MOST_OFFERED
    shown = [{"id": row.id, "label": label_of(row)} for row in found[:MOST_OFFERED]]
    return JsonResponse(
        {"customers": shown, "is_more": is_more, "words": _words(len(shown), is_more=is_more)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new_customer(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Create a customer."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    form = CustomerForm(request.POST) if request.method == "POST" else CustomerForm()
    return _saved(request, member, form) or _edit_page(request, member, form)


@require_safe
def customer(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponse:
    """Show a customer with its contacts."""
    member = member_for(request, organisation_id)
    row = access.customer_for_member(member, customer_id)
    return _customer_page(request, member, row, InviteForm())


@require_http_methods(["GET", "HEAD", "POST"])
def edit_customer(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponse:
    """Change a customer's facts."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.customer_for_member(member, customer_id)
    is_sent = request.method == "POST"
    form = CustomerForm(request.POST) if is_sent else CustomerForm.showing(row)
    return _saved(request, member, form, row) or _edit_page(request, member, form, row)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_customer(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponse:
    """Remove a customer that has no invoices, after a question."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.customer_for_member(member, customer_id)
    problem, count = "", count_of_invoices(member, row)
    if request.method == "POST":
        try:
            services.remove_customer(customer=row)
        except FieldProblem as error:
            problem = error.message
        else:
            messages.success(request, f"{row.name} is removed.")
            return HttpResponseRedirect(reverse("backoffice:customers", args=[organisation_id]))
    return confirm(
        request,
        member,
        question=f"Remove {row.name}?",
        consequence=_consequence(row, count),
        button="Remove",
        back=_address(row),
        problem=problem,
        is_possible=not count,
        section=SECTION,
    )


@require_POST
@limited("invite", "60/h/user")
def invite_contact(request: HttpRequest, organisation_id: str, customer_id: str) -> HttpResponse:
    """Let a person see a customer's invoices, and explain by e-mail how to sign in."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    row = access.customer_for_member(member, customer_id)
    form = InviteForm(request.POST)
    if form.is_valid():
        try:
            contact = services.invite_contact(customer=row, **form.cleaned_data)
        except FieldProblem as problem:
            problem.show_in(form)
        else:
            email = contact.user.email
            done = f"{email} can see the invoices of {row.name} now."
            report_invitation(request, mail_contact(contact), email=email, done=done)
            return HttpResponseRedirect(_address(row))
    return _customer_page(request, member, row, form)


@require_http_methods(["GET", "HEAD", "POST"])
def remove_contact(request: HttpRequest, organisation_id: str, contact_id: str) -> HttpResponse:
    """End a contact's access to a customer's invoices, after a question."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    contact = access.contact_for_member(member, contact_id)
    if request.method == "POST":
        services.remove_contact(contact=contact)
        withdraw_mail(user=contact.user, organisation=member.organisation)
        messages.success(request, f"{contact.user.email} no longer has access.")
        return HttpResponseRedirect(_address(contact.customer))
    return confirm(
        request,
        member,
        question=f"Remove {contact.user.email}?",
        consequence=f"They will no longer see the invoices of {contact.customer.name}.",
        button="Remove",
        back=_address(contact.customer),
        section=SECTION,
    )


def _search(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()[:100]


def _words(count: int, *, is_more: bool) -> str:
    if is_more:
        return f"The first {count} are listed. Type more to see others."
    return "1 customer matches." if count == 1 else f"{count or 'No'} customers match."


def _rows(member: Member, shown: list[Customer]) -> list[dict[str, object]]:
    contacts, invoices = access.contact_counts(shown), invoice_counts(member, shown)
    return [
        {"customer": row, "contacts": contacts.get(row.id, 0), "invoices": invoices[row.id]}
        for row in shown
    ]


def _consequence(row: Customer, invoices: Count) -> str:
    if not invoices:
        return "Its contacts lose access."
    has = "an invoice" if invoices.is_one else f"{invoices} invoices"
    return f"{row.name} has {has}, so it can't be removed. Remove or move its invoices first."


def _saved(
    request: HttpRequest, member: Member, form: CustomerForm, row: Customer | None = None
) -> HttpResponse | None:
    if not form.is_valid():
        return None
    try:
        saved = services.save_customer(
            organisation=member.organisation, customer=row, **form.cleaned_data
        )
    except FieldProblem as problem:
        problem.show_in(form)
        return None
    messages.success(request, f"{saved.name} is saved.")
    return HttpResponseRedirect(_address(saved))


def _edit_page(
    request: HttpRequest, member: Member, form: CustomerForm, row: Customer | None = None
) -> HttpResponse:
    context = {"form": form, "customer": row}
    return page(request, member, "backoffice/customers/edit.html", context, section=SECTION)


def _customer_page(
    request: HttpRequest, member: Member, row: Customer, form: InviteForm
) -> HttpResponse:
    invoices = invoices_of_customer(member, row)
    contacts = access.contacts_for_member(member, row)
    users = [contact.user_id for contact in contacts]
    context = {
        "customer": row,
        "contacts": contacts,
        "unsent": unsent_invitations(member, users),
        "refused": refused_mailings(member, users),
        "invoice_count": count_up_to(invoices),
        "balances": balances(invoices, today=timezone.localdate()),
        "form": form,
    }
    return page(request, member, "backoffice/customers/detail.html", context, section=SECTION)


def _address(row: Customer) -> str:
    return reverse("backoffice:customer", args=[row.organisation_id, row.id])
