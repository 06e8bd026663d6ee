"""The page on which somebody pays an invoice, and the call that announces it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billhook.sample.ledger import SampleInvoice

_SECONDS: Final = aiohttp.ClientTimeout(total=5)
_SHOWN: Final = 30
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Alder &amp; Finch billing: pay</title>
<style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:40rem;padding:0 1rem;
color-scheme:light dark}}td,th{{padding:.3rem .8rem .3rem 0;text-align:left}}
td.n{{text-align:right}}</style></head>
<body><h1>Alder &amp; Finch billing</h1>
<p>This is the sample billing system, not the portal. Pay an invoice here, and watch it there.</p>
{said}
<table><tr><th>Invoice</th><th>Customer</th><th>Open</th><th></th></tr>{rows}</table>
</body></html>
"""


def pay_page(invoices: Sequence[SampleInvoice], *, said: str = "", wanted: str = "") -> str:
    """Return the page that lists what can be paid: the invoice *wanted* alone, if there is one."""
    invoices = [each for each in invoices if each.number == wanted] or invoices
    rows = "".join(_row(invoice) for invoice in invoices[:_SHOWN])
    status = f"<p role=status><strong>{said}</strong></p>" if said else ""
    return _PAGE.format(said=status, rows=rows)


def is_from_here(origin: str | None, host: str | None) -> bool:
    """Return whether a form was sent by a page of ours, and not by another site."""
    return origin is None or urlsplit(origin).netloc == host


async def call(url: str) -> None:
    """Say to *url* that something has changed; whether anybody listens doesn't matter."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_SECONDS, trust_env=False) as session,
            session.post(url, json={"event": "invoice.paid"}) as response,
        ):
            await response.read()
    except (TimeoutError, aiohttp.ClientError):
        return


def _row(invoice: SampleInvoice) -> str:
    number, name = html.escape(invoice.number), html.escape(invoice.customer.name)
    return (
        f"<tr><td>{number}</td><td>{name}</td>"
        f"<td class=n>{invoice.due:,.2f} {invoice.customer.currency}</td>"
        f'<td><form method=post><button name=number value="{number}">Pay</button></form></td></tr>'
    )
