"""The texts of notices: edited by an editor, with a preview of a real invoice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from billhook.portal.backoffice.forms import BackofficeForm
from billhook.portal.backoffice.pages import member_for, page
from billhook.portal.fields.names import check_name
from billhook.portal.invoices.access import newest_invoices
from billhook.portal.notices import access, services
from billhook.portal.notices.languages import MailText, language, language_choices
from billhook.portal.notices.letter import Announced, Letter, writer_for
from billhook.portal.notices.mail_tokens import LIST, problem_of, tokens_of
from billhook.portal.notices.models import NoticeKind
from billhook.portal.organisations.models import Member, Role

SECTION: Final = "notices"
KINDS: Final = (*NoticeKind.choices, (LIST, "Several invoices in one mail"))


class TextForm(BackofficeForm):
    """The subject and the text of one kind of mail."""

    subject = forms.CharField(
        label="Subject", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    body = forms.CharField(
        label="Text",
        max_length=10_000,
        help_text="The invoice's facts, the link and the way to stop the mail follow it.",
        widget=forms.Textarea(attrs={"rows": 12, "autocomplete": "off"}),
    )

    def __init__(self, *arguments: Any, kind: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._kind = kind
        self.fields["body"].validators.remove(check_name)  # it has lines

    def clean(self) -> dict[str, Any]:
        """Report a token that this mail doesn't have, at its field."""
        cleaned = super().clean() or {}
        for name in ("subject", "body"):
            if problem := problem_of(cleaned.get(name, ""), self._kind):
                self.add_error(name, problem)
        return cleaned

    @property
    def text(self) -> MailText:
        """The text that was written."""
        return MailText(subject=self.cleaned_data["subject"], body=self.cleaned_data["body"])


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTextLine:
    """One kind of mail in the list of texts, with its languages and whether each is changed."""

    kind: str
    label: str
    languages: list[tuple[str, str, bool]]


def lines_for(member: Member) -> list[NoticeTextLine]:
    """Return the kinds of mail, and the languages in which each can be changed."""
    own = access.own_texts_of_member(member)
    return [
        NoticeTextLine(
            kind=kind,
            label=label,
            languages=[(code, name, (kind, code) in own) for code, name in language_choices()],
        )
        for kind, label in KINDS
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def edit_text(request: HttpRequest, organisation_id: str, kind: str, code: str) -> HttpResponse:
    """Change a text, look at it with a real invoice, or take the usual one again."""
    member = member_for(request, organisation_id, at_least=Role.EDITOR)
    if kind not in dict(KINDS) or code not in dict(language_choices()):
        raise Http404
    current = _current(member, kind, code)
    wish = request.POST.get("do", "") if request.method == "POST" else ""
    if wish == "usual":
        services.remove_text(organisation=member.organisation, kind=kind, language=code)
        messages.success(request, "The usual text is used again.")
        return HttpResponseRedirect(reverse("backoffice:notices", args=[organisation_id]))
    form = TextForm(request.POST, kind=kind) if wish else _form_showing(current, kind)
    shown = form.text if form.is_valid() else current
    if wish == "save" and form.is_valid():
        services.save_text(
            organisation=member.organisation, kind=kind, language=code, text=form.text
        )
        messages.success(request, "Saved.")
        return HttpResponseRedirect(request.path)
    context = {
        "form": form,
        "label": dict(KINDS)[kind],
        "language": language(code),
        "tokens": tokens_of(kind).items(),
        "letter": _preview(member, kind, code, shown),
        "is_own": access.text_for_member(member, kind, code) is not None,
    }
    return page(request, member, "backoffice/notices/text.html", context, section=SECTION)


def _current(member: Member, kind: str, code: str) -> MailText:
    own = access.text_for_member(member, kind, code)
    if own is None:
        return language(code).texts[kind]
    return MailText(subject=own.subject, body=own.body)


def _form_showing(text: MailText, kind: str) -> TextForm:
    return TextForm(initial={"subject": text.subject, "body": text.body}, kind=kind)


def _preview(member: Member, kind: str, code: str, text: MailText) -> Letter | None:
    """Return the mail about the newest invoice, as *member* would get it; None without one."""
    invoices = newest_invoices(member, most=2 if kind == LIST else 1)
    if not invoices:
        return None
    writer = writer_for(
        organisation=member.organisation, user=member.user, code=code, own={kind: text}
    )
    is_list = kind == LIST
    notice = NoticeKind.NEW if is_list else NoticeKind(kind)
    letter = replace(writer, is_list=is_list).write(
        [Announced(invoice=invoice, kind=notice) for invoice in invoices]
    )
    return replace(letter, stop="")
