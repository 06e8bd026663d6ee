"""The only way to the rows of organisations and members: each function says who is asking."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404

from billhook.portal.accounts.models import User
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.models import Member, Organisation, Role

_RANK: Final = {Role.VIEWER: 1, Role.EDITOR: 2, Role.OWNER: 3}


def is_set_up() -> bool:
    """Return whether there is an organisation yet."""
    return Organisation.objects.exists()


def is_organisation(organisation_id: str) -> bool:
    """Return whether an organisation has this id. For the operator alone."""
    return Organisation.objects.filter(id=organisation_id).exists()


def name_for_everybody(user: User | None) -> str | None:
    """Return the name of the organisation whose pages *user* sees, if it is only one.

    A visitor who hasn't signed in sees it if the installation has one organisation.
    """
    theirs = Organisation.objects.all()
    if user is not None:
        as_member = user.memberships.values("organisation_id")
        as_contact = user.contacts.values("customer__organisation_id")
        theirs = theirs.filter(Q(id__in=as_member) | Q(id__in=as_contact))
    names = list(theirs.order_by().values_list("name", flat=True).distinct()[:2])
    return names[0] if len(names) == 1 else None


def only_organisation() -> Organisation | None:
    """Return the organisation of this installation, where there is only one: for everybody."""
    found = list(Organisation.objects.all()[:2])
    return found[0] if len(found) == 1 else None


def name_for_letter(organisation_id: str) -> str:
    """Return the name of an organisation, for a bearer of a link from its mail; "" if it's gone."""
    names = Organisation.objects.filter(id=organisation_id).values_list("name", flat=True)
    return names.first() or ""


def is_member(user: User) -> bool:
    """Return whether *user* is a member of any organisation."""
    return Member.objects.filter(user=user).exists()


def memberships_of(user: User) -> QuerySet[Member]:
    """Return the organisations that *user* is a member of, by name, as members."""
    return (
        Member.objects.filter(user=user)
        .select_related("organisation")
        .order_by("organisation__name", "organisation_id")
    )


def member_of(user: User, organisation_id: str, *, at_least: Role = Role.VIEWER) -> Member:
    """Return *user* as a member of the organisation, with its organisation loaded.

    Raises:
        Http404: if there is no such organisation, or it isn't theirs.
        PermissionDenied: if it is theirs, but their role may do less than *at_least*.
    """
    members = Member.objects.select_related("organisation", "user")
    member = members.filter(user=user, organisation_id=organisation_id).first()
    if member is None:
        raise Http404
    require(member, at_least)
    return member


def may(member: Member, role: Role) -> bool:
    """Return whether *member* has the permissions of *role*."""
    return _RANK[Role(member.role)] >= _RANK[role]


def require(member: Member, role: Role) -> None:
    """Raise PermissionDenied unless *member* has the permissions of *role*."""
    if not may(member, role):
        raise PermissionDenied


def members_for_member(member: Member) -> QuerySet[Member]:
    """Return all members of the organisation that *member* is of, by name."""
    return (
        Member.objects.filter(organisation_id=member.organisation_id)
        .select_related("user")
        .order_by("user__name", "user__email")
    )


def who_may_fix(organisation: Organisation) -> QuerySet[Member]:
    """Return the members who may change an integration: for mail that the server itself sends.

    Those who want no such mail are left out.
    """
    found = organisation.members.filter(role__in=(Role.OWNER, Role.EDITOR), wants_source_mail=True)
    return found.select_related("user")


def member_for_member(member: Member, member_id: str) -> Member:
    """Return another member of the same organisation, or raise Http404."""
    found = members_for_member(member).filter(id=member_id).first()
    if found is None:
        raise Http404
    return found


def organisations_for_operator() -> QuerySet[Organisation]:
    """Return every organisation, by name. Only the operator of the installation sees all."""
    return Organisation.objects.order_by("name", "id")


def organisation_for_operator(wanted: str) -> Organisation:
    """Return the organisation whose name or id is *wanted*; the only one for an empty text.

    Raises:
        FieldProblem: where there is none, or it isn't clear which one is meant.
    """
    found = list(organisations_for_operator())
    if wanted:
        found = [each for each in found if wanted in {each.id, each.name}]
    if len(found) == 1:
        return found[0]
    if not found:
        advice = f"There is no organisation {wanted}." if wanted else "There is no organisation."
        raise FieldProblem("organisation", f"{advice} `billhook organisations list` shows them.")
    raise FieldProblem(
        "organisation",
        "There are several organisations. Say which one by its name or id: --organisation NAME",
    )


def members_for_operator(organisation: Organisation | None = None) -> QuerySet[Member]:
    """Return the members of *organisation*, or of all organisations."""
    members = Member.objects.select_related("organisation", "user")
    if organisation is not None:
        members = members.filter(organisation=organisation)
    return members.order_by("organisation__name", "user__email")


def member_for_operator(organisation: Organisation, email: str) -> Member:
    """Return the member of *organisation* with this address, or raise FieldProblem."""
    member = members_for_operator(organisation).filter(user__email=email.strip().lower()).first()
    if member is None:
        raise FieldProblem(
            "email",
            f"{email} is no member of {organisation.name}. `billhook members list` shows who is.",
        )
    return member
