"""The key in the address of a Pay button: it shows that the click was on a page of the portal.

The button is a link and no form: browsers hold every redirect after a form against the page's
``form-action`` (CSP 3, 6.4.2), and where payment pages redirect to nobody here knows. So another
site could lead a person to the address. Without this key, which only pages of the same session
have, the address asks first and sends nothing to a source.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from billhook.portal.invoices.models import Invoice

PARAMETER = "key"


def pay_key(request: HttpRequest, invoice: Invoice) -> str:
    """Return the key for *invoice* in the session of *request*."""
    text = f"{request.session.session_key}:{invoice.id}"
    return salted_hmac("billhook.pay", text, algorithm="sha256").hexdigest()


def has_pay_key(request: HttpRequest, invoice: Invoice) -> bool:
    """Return whether *request* brings the key, and a person's click sent it: no prefetch did."""
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return False
    return constant_time_compare(request.GET.get(PARAMETER, ""), pay_key(request, invoice))
