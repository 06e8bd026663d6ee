"""Members and their roles, and the organisation's settings: the owners' pages."""

from __future__ import annotations

from django.conf import settings as django_settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from billhook.portal.backoffice.forms import EmbeddingForm, MemberForm, RoleForm, SettingsForm
from billhook.portal.backoffice.invitations import mail_member, report_invitation
from billhook.portal.backoffice.pages import confirm, member_for, page
from billhook.portal.backoffice.views_mail import read_result
from billhook.portal.backups.access import last_backup
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.handover.access import parents_of
from billhook.portal.handover.embedding import read_parents
from billhook.portal.handover.links import sign_in_link
from billhook.portal.handover.services import set_parents
from billhook.portal.limits.rates import limited
from billhook.portal.mail.access import unsent_invitations, unsent_mail_for_member
from billhook.portal.mail.services import withdraw_mail
from billhook.portal.mail.status import mail_status
from billhook.portal.organisations import access, services
from billhook.portal.organisations.home import home_of
from billhook.portal.organisations.models import Member, Role

SECTION = "members"
_MAIL_SHOWN = 20


@require_http_methods(["GET", "HEAD"])
def members(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """List the members and their roles."""
    member = member_for(request, organisation_id)
    return _members_page(request, member, MemberForm())


@require_POST
@limited("invite", "60/h/user")
def invite_member(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Make a person a member, and explain by e-mail how to sign in."""
    member = member_for(request, organisation_id, at_least=Role.OWNER)
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            added = _add_member(member, form)
        except FieldProblem as problem:
            problem.show_in(form)
        else:
            email, role = added.user.email, added.get_role_display().lower()
            posted = mail_member(added, invited_by=member)
            done = f"{email} is {_article(role)} {role} now."
            report_invitation(request, posted, email=email, done=done)
            return HttpResponseRedirect(_members_address(member))
    return _members_page(request, member, form)


@require_POST
def change_role(request: HttpRequest, organisation_id: str, member_id: str) -> HttpResponse:
    """Give a member another role; the last owner stays one."""
    member = member_for(request, organisation_id, at_least=Role.OWNER)
    other = access.member_for_member(member, member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "This role doesn't exist. Choose one from the list.")
    else:
        try:
            services.change_role(member=other, role=Role(form.cleaned_data["role"]))
        except FieldProblem as problem:
            messages.error(request, problem.message)
        else:
            role = other.get_role_display().lower()
            messages.success(request, f"{other.user.email} is {_article(role)} {role} now.")
    return HttpResponseRedirect(_members_address(member))


@require_http_methods(["GET", "HEAD", "POST"])
def remove_member(request: HttpRequest, organisation_id: str, member_id: str) -> HttpResponse:
    """End a membership, after a question; the last owner stays."""
    member = member_for(request, organisation_id, at_least=Role.OWNER)
    other = access.member_for_member(member, member_id)
    problem = ""
    if request.method == "POST":
        try:
            services.remove_member(member=other)
            withdraw_mail(user=other.user, organisation=member.organisation)
        except FieldProblem as error:
            problem = error.message
        else:
            messages.success(request, f"{other.user.email} is no longer a member.")
            is_oneself = other.user_id == member.user_id
            home = home_of(member.user) if is_oneself else _members_address(member)
            return HttpResponseRedirect(home)
    return confirm(
        request,
        member,
        question=f"Remove {other.user.email}?",
        consequence=f"They can no longer open the backoffice of {member.organisation.name}. "
        "Their work is kept.",
        button="Remove",
        back=_members_address(member),
        problem=problem,
        section=SECTION,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Change the organisation's name, its support address, and how long runs are kept."""
    member = member_for(request, organisation_id, at_least=Role.OWNER)
    is_sent = request.method == "POST"
    form = SettingsForm(request.POST) if is_sent else SettingsForm.showing(member.organisation)
    if form.is_valid():
        services.change_organisation(organisation=member.organisation, **form.cleaned_data)
        messages.success(request, "Saved.")
        return HttpResponseRedirect(reverse("backoffice:settings", args=[organisation_id]))
    context = {
        "form": form,
        "mail": mail_status(),
        "sender": django_settings.DEFAULT_FROM_EMAIL,
        "public_url": django_settings.PUBLIC_URL,
        "backup": last_backup(),
        "test": read_result(request.GET.get("test", "")),
        "unsent": unsent_mail_for_member(member)[:_MAIL_SHOWN],
    }
    return page(request, member, "backoffice/settings.html", context, section="settings")


@require_http_methods(["GET", "HEAD", "POST"])
def embedding(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Choose the sites that may show the portal inside their pages."""
    member = member_for(request, organisation_id, at_least=Role.OWNER)
    is_sent = request.method == "POST"
    listed = "\n".join(parents_of(organisation_id))
    form = EmbeddingForm(request.POST) if is_sent else EmbeddingForm(initial={"parents": listed})
    if form.is_valid():
        try:
            parents = read_parents(form.cleaned_data["parents"])
        except FieldProblem as problem:
            problem.show_in(form)
        else:
            set_parents(organisation=member.organisation, parents=parents)
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("backoffice:embedding", args=[organisation_id]))
    context = {
        "form": form,
        "link": sign_in_link(member.organisation),
        "origin": django_settings.PUBLIC_URL,
    }
    return page(request, member, "backoffice/embedding.html", context, section="settings")


def _add_member(member: Member, form: MemberForm) -> Member:
    return services.add_member(
        organisation=member.organisation,
        email=form.cleaned_data["email"],
        name=form.cleaned_data["name"],
        role=Role(form.cleaned_data["role"]),
    )


def _members_page(request: HttpRequest, member: Member, form: MemberForm) -> HttpResponse:
    rows = access.members_for_member(member)
    context = {
        "members": rows,
        "unsent": unsent_invitations(member, [row.user_id for row in rows]),
        "form": form,
        "roles": Role.choices,
    }
    return page(request, member, "backoffice/members/list.html", context, section=SECTION)


def _members_address(member: Member) -> str:
    return reverse("backoffice:members", args=[member.organisation_id])


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
