"""Organisations, members and sessions, as the operator changes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms.utils import ErrorDict

from billhook.engine.secret import Secret
from billhook.portal.accounts import services as accounts
from billhook.portal.accounts.access import user_for_operator
from billhook.portal.accounts.models import User
from billhook.portal.backoffice.forms import MemberForm, SettingsForm
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations import access, services
from billhook.portal.organisations.first_run import forget_setup_code
from billhook.portal.organisations.models import Member, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationFacts:
    """An organisation as the command line lists it."""

    id: str
    name: str
    members: int
    customers: int
    invoices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """A member as the command line lists it."""

    organisation: str
    email: str
    name: str
    role: str
    active: bool
    password: bool
    last_sign_in: datetime | None


def list_organisations() -> list[OrganisationFacts]:
    """Return every organisation."""
    return [
        OrganisationFacts(
            id=each.id,
            name=each.name,
            members=each.members.count(),
            customers=each.customers.count(),
            invoices=each.invoices.count(),
        )
        for each in access.organisations_for_operator()
    ]


def add_organisation(
    *, name: str, owner_email: str, owner_name: str = "", password: Secret | None = None
) -> MemberFacts:
    """Create an organisation and its first owner. The set-up page then opens no more."""
    name = _checked_organisation_name(name)
    email, owner_name, _ = _checked_person(owner_email, owner_name, Role.OWNER)
    for each in access.organisations_for_operator():
        if each.name.casefold() == name.casefold():
            raise FieldProblem("name", f"There is an organisation {each.name} already.")
    with transaction.atomic():
        owner = services.create_organisation(name=name, owner_email=email, owner_name=owner_name)
        _set_password(owner.user, password)
    forget_setup_code()
    return _facts(owner)


def list_members(*, organisation: str) -> list[MemberFacts]:
    """Return the members of one organisation, or of all of them for an empty text."""
    chosen = access.organisation_for_operator(organisation) if organisation else None
    return [_facts(member) for member in access.members_for_operator(chosen)]


def add_member(
    *, organisation: str, email: str, role: str, name: str = "", password: Secret | None = None
) -> MemberFacts:
    """Make a person a member. Without a password they sign in with a code sent to them."""
    email, name, chosen = _checked_person(email, name, role)
    chosen_organisation = access.organisation_for_operator(organisation)
    if access.members_for_operator(chosen_organisation).filter(user__email=email).exists():
        raise FieldProblem(
            "email", f"{email} is already a member. `billhook members role` changes their role."
        )
    with transaction.atomic():
        member = services.add_member(
            organisation=chosen_organisation,
            email=email,
            name=name,
            role=chosen,
        )
        _set_password(member.user, password)
    return _facts(member)


def set_member_password(*, email: str, password: Secret) -> int:
    """Give a member another password and sign them out; return how many sessions that ended."""
    user = _member_user(email)
    with transaction.atomic():
        _set_password(user, password)
        return accounts.end_sessions(user=user)


def set_member_role(*, organisation: str, email: str, role: str) -> MemberFacts:
    """Give a member another role; the last owner stays one."""
    member = access.member_for_operator(access.organisation_for_operator(organisation), email)
    return _facts(services.change_role(member=member, role=Role(role)))


def disable_member(*, email: str) -> MemberFacts:
    """Keep a member from signing in anywhere, and sign them out."""
    member = _any_membership(email)
    services.disable_member(member=member)
    return _facts(member)


def enable_member(*, email: str) -> MemberFacts:
    """Let a member who was disabled sign in again."""
    member = _any_membership(email)
    accounts.enable_user(user=member.user)
    return _facts(member)


def end_sessions(*, email: str | None) -> int:
    """Sign a person out everywhere, or everybody; return how many sessions that ended."""
    return accounts.end_sessions(user=None if email is None else user_for_operator(email))


def _facts(member: Member) -> MemberFacts:
    return MemberFacts(
        organisation=member.organisation.name,
        email=member.user.email,
        name=member.user.name,
        role=member.role,
        active=member.user.is_active,
        password=member.user.has_usable_password(),
        last_sign_in=member.user.last_login,
    )


def _any_membership(email: str) -> Member:
    member = access.members_for_operator().filter(user__email=email.strip().lower()).first()
    if member is None:
        raise FieldProblem("email", f"{email} is no member. `billhook members list` shows who is.")
    return member


def _member_user(email: str) -> User:
    return _any_membership(email).user


def _set_password(user: User, password: Secret | None) -> None:
    if password is None:
        return
    try:
        validate_password(password.reveal(), user)
    except ValidationError as error:
        raise FieldProblem("password", " ".join(error.messages)) from None
    accounts.set_password(user=user, password=password.reveal())


def _checked_person(email: str, name: str, role: str) -> tuple[str, str, Role]:
    """Return the facts as the form of the portal takes them, or raise FieldProblem."""
    form = MemberForm({"email": email, "name": name, "role": role})
    if not form.is_valid():
        _raise_first(form.errors)
    return form.cleaned_data["email"], form.cleaned_data["name"], Role(form.cleaned_data["role"])


def _checked_organisation_name(name: str) -> str:
    form = SettingsForm({"name": name, "runs_kept_days": 90})
    if not form.is_valid():
        _raise_first(form.errors)
    checked: str = form.cleaned_data["name"]
    return checked


def _raise_first(errors: ErrorDict) -> None:
    field, messages = next(iter(errors.items()))
    raise FieldProblem(field, str(messages[0]))
