"""Changes to organisations and members. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

from django.db import transaction

from billhook.portal.accounts.services import disable_user, get_or_create_user
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.organisations.models import Member, Organisation, Role


def create_organisation(*, name: str, owner_email: str, owner_name: str = "") -> Member:
    """Create an organisation, and return its first owner."""
    with transaction.atomic():
        organisation = Organisation.objects.create(name=name.strip())
        owner = get_or_create_user(email=owner_email, name=owner_name)
        return Member.objects.create(organisation=organisation, user=owner, role=Role.OWNER)


def change_organisation(
    *,
    organisation: Organisation,
    name: str,
    support_email: str,
    runs_kept_days: int,
    plain_rendering: bool = False,
) -> Organisation:
    """Change an organisation's name, its support address, and how long its runs are kept.

    With *plain_rendering*, contacts get a summary if no integration has the document.
    """
    organisation.name = name.strip()
    organisation.support_email = support_email.strip().lower()
    organisation.runs_kept_days = runs_kept_days
    organisation.plain_rendering = plain_rendering
    organisation.save(update_fields=["name", "support_email", "runs_kept_days", "plain_rendering"])
    return organisation


def add_member(*, organisation: Organisation, email: str, role: Role, name: str = "") -> Member:
    """Make the person of *email* a member. They sign in with a code sent to it.

    Raises:
        FieldProblem: if they are already a member.
    """
    with transaction.atomic():
        user = get_or_create_user(email=email, name=name)
        member, is_new = Member.objects.get_or_create(
            organisation=organisation, user=user, defaults={"role": role}
        )
    if not is_new:
        raise FieldProblem(
            "email", f"{user.email} is already a member. Change the role in the list."
        )
    return member


def change_role(*, member: Member, role: Role) -> Member:
    """Give *member* another role.

    Raises:
        FieldProblem: if that would leave the organisation without an owner.
    """
    with transaction.atomic():
        if role != Role.OWNER:
            _keep_an_owner(member)
        member.role = role
        member.save(update_fields=["role"])
    return member


def remove_member(*, member: Member) -> None:
    """End a membership. The person keeps their other memberships and customers.

    Raises:
        FieldProblem: if that would leave the organisation without an owner.
    """
    with transaction.atomic():
        _keep_an_owner(member)
        member.delete()


def disable_member(*, member: Member) -> None:
    """Keep a member from signing in anywhere, at once. What they made stays.

    Raises:
        FieldProblem: where that would leave one of their organisations without an owner.
    """
    with transaction.atomic():
        for each in Member.objects.filter(user_id=member.user_id, role=Role.OWNER):
            _keep_an_owner(each)
        disable_user(user=member.user)


def _keep_an_owner(member: Member) -> None:
    owners = Member.objects.select_for_update().filter(
        organisation_id=member.organisation_id, role=Role.OWNER, user__is_active=True
    )
    if {owner.id for owner in owners} == {member.id}:
        raise FieldProblem(
            "role", "An organisation needs an owner. Make another member an owner first."
        )


def choose_source_mail(*, member: Member, wants: bool) -> None:
    """Remember whether *member* gets mail when a source fails, and when it works again."""
    member.wants_source_mail = wants
    member.save(update_fields=["wants_source_mail"])
