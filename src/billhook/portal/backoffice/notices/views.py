"""Notices to contacts: turned on and off by an editor, and mail that wasn't sent."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from billhook.portal.backoffice.notices.forms import NoticesForm
from billhook.portal.backoffice.notices.texts import lines_for
from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.limits.rates import limited
from billhook.portal.mail.status import mail_status
from billhook.portal.notices import access, services
from billhook.portal.organisations.access import may
from billhook.portal.organisations.models import Role
from billhook.portal.organisations.services import choose_source_mail

SECTION: Final = "notices"
_SHOWN: Final = 20


@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Show which mail contacts get, and change that."""
    is_sent = request.method == "POST"
    least = Role.EDITOR if is_sent else Role.VIEWER
    member = member_for(request, organisation_id, at_least=least)
    rules = access.rules_for_member(member)
    form = NoticesForm(request.POST) if is_sent else NoticesForm.showing(rules)
    if form.is_valid():
        services.change_rules(rules=rules, changes=form.cleaned_data)
        messages.success(request, "Saved." if rules.is_on else "Saved. No mail is sent.")
        return HttpResponseRedirect(reverse("backoffice:notices", args=[organisation_id]))
    context = {
        "form": form,
        "rules": rules,
        "mail": mail_status(),
        "sent": access.sent_today(member),
        "troubled": access.troubled_mailings(member)[:_SHOWN],
        "texts": lines_for(member),
        "incidents": access.incidents_for_member(member, most=_SHOWN),
        "may_change": may(member, Role.EDITOR),
    }
    return page(request, member, "backoffice/notices/notices.html", context, section=SECTION)


@require_POST
def choose_mine(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Choose whether one gets mail oneself when a source fails."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    choose_source_mail(member=member, wants="wants" in request.POST)
    messages.success(request, "Saved.")
    return HttpResponseRedirect(f"{reverse('backoffice:notices', args=[organisation_id])}#mine")


@require_POST
@limited("invite", "60/h/user")
def send_again(request: HttpRequest, organisation_id: str, mailing_id: str) -> HttpResponse:
    """Send a mail that failed, or was perhaps sent, once more."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    mailing = access.mailing_for_member(member, mailing_id)
    if mailing is None:
        raise Http404
    if services.send_again(mailing=mailing):
        messages.success(request, "The mail is sent again within a minute.")
    else:
        messages.info(request, "The mail has gone on meanwhile: nothing was changed.")
    return HttpResponseRedirect(reverse("backoffice:notices", args=[organisation_id]))
