"""The place in the form to check after a failed test, and what to do there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from billhook.engine.command.command import Command
from billhook.engine.command.step import Step
from billhook.engine.errors import (
    AmbiguousAnswer,
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    MissingValue,
    SourceTlsFailed,
    TokenError,
)
from billhook.engine.reasons.tls_failure import (
    CLIENT_CERTIFICATE_REFUSED,
    ISSUER_EXPIRED,
    NO_CLIENT_CERTIFICATE,
    NOT_TLS,
    UNKNOWN_AUTHORITY,
    WANTS_TLS,
)
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.form_fields import FormField, find_field
from billhook.portal.trying.trial import Trial

_URL: Final = "{step}.url"
_TIMEOUT: Final = "{command}.timeout"
_ANSWER: Final = "{command}.answer"
_SLOW: Final = "Raise the time limit if the system is always slow."
_ADDRESS: Final = "Check the address in the URL."
_LOOK_AT: Final = {
    "document-not-found": (_URL, "Compare the URL that was sent with the one that works for you."),
    "no-payment-link": (_ANSWER, "Check the location of the link, or try an open invoice."),
    "payment-link-refused": (
        "{command}.payment_hosts",
        "Compare the payment page hosts with the link.",
    ),
    "source-refused": (
        "{authentication}",
        "Check the header or parameter that contains the key or password.",
    ),
    "sign-in-failed": ("authentication.scheme", "Check the authentication and its secrets."),
    "source-unreachable": (_URL, _ADDRESS),
    "source-tls-failed": (_URL, _ADDRESS),
    "egress-denied": (_URL, "Change the address in the URL."),
    "source-redirected": ("{command}.redirects", "Check the URL and the redirects."),
    "source-timeout": (_TIMEOUT, _SLOW),
    "source-too-slow": (_TIMEOUT, _SLOW),
    "source-too-complex": (_ANSWER, "Name more of the way to each value, or ask for less."),
    "source-too-large": ("{command}.max_bytes", "Raise the size limit."),
    "source-status": (_URL, "Check the method, the URL and the body."),
    "source-said-no": ("{step}.success_when[0]", "Compare its conditions with the response below."),
    "missing-value": ("{step}.extract{value}", "Compare its path with the response below."),
    "ambiguous": (
        "{step}.extract{value}",
        "Make its path match only one, or say which one to take.",
    ),
    "still-working": ("{step}.repeat_until.times", "Raise the number of attempts, or the pause."),
    "not-a-document": (_ANSWER, "Check the location of the document and the accepted types."),
    "web-page-instead": (_URL, "Check the URL, and the header or parameter that contains the key."),
    "empty-answer": (_URL, "Check the method and the URL."),
}

_LOOK_AT_TLS: Final = {
    UNKNOWN_AUTHORITY: ("tls.ca", "Paste the CA certificate, or the source's own."),
    ISSUER_EXPIRED: ("tls.ca", "Replace the CA certificate, if you pasted one."),
    NO_CLIENT_CERTIFICATE: ("tls.client_certificate", "Choose the secret with the certificate."),
    CLIENT_CERTIFICATE_REFUSED: ("tls.client_certificate", "Check the client certificate."),
    NOT_TLS: (_URL, "Write http:// instead of https://, or another port."),
    WANTS_TLS: (_URL, "Write https:// instead of http://."),
}
"""The place to check for each reason of a failed TLS connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The next thing to do, and the field for it, if there is one."""

    advice: str = ""
    field: FormField | None = None


def look_at(error: BillhookError, trial: Trial, form: EditorForm) -> Look:
    """Return the likely place in *form* of the cause of *error*."""
    if isinstance(error, ConfigurationError | TokenError):
        return Look(advice="Fix it in the form and try again.")
    where, advice = _LOOK_AT.get(error.code, ("", ""))
    if isinstance(error, DocumentNotFound) and error.http_status and not trial.has_worked:
        advice = "Nothing has come from this address so far, so check the address in the URL first."
    if isinstance(error, SourceTlsFailed):
        where, advice = _LOOK_AT_TLS.get(error.reason, (where, advice))
    if _value_of(error) == ".answer":
        where = _ANSWER
    if not where or trial.command is None:
        return Look()
    step = step_called(error.step, trial.command)
    place = step.url.where.removesuffix(".url")
    authentication = trial.compiled.authentication if trial.compiled else None
    has_authentication = authentication is not None and step.authenticate
    filled = where.format(
        step=place,
        command=f"commands.{trial.command.name}",
        authentication="authentication.scheme" if has_authentication else f"{place}.headers",
        value=_value_of(error),
    )
    return Look(advice=advice, field=find_field(form, filled))


def _value_of(error: BillhookError) -> str:
    """Return the end of the path to the value that *error* is about: ``.Id`` of ``Find.Id``."""
    token = error.token if isinstance(error, AmbiguousAnswer | MissingValue) else ""
    name = token.rpartition(".")[2]
    return f".{name}" if name else ""


def step_called(name: str, command: Command) -> Step:
    """Return the step called *name*, or the last one."""
    found = (step for step in command.all_steps if step.name == name)
    return next(found, command.steps[-1])
