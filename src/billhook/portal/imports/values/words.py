"""Currencies, statuses and languages as cells have them."""

from __future__ import annotations

import re
from typing import Final

from billhook.portal.fields.currencies import CURRENCIES
from billhook.portal.imports.columns.headings import plain
from billhook.portal.invoices.models import InvoiceType, Status

_STATUSES: Final = {
    Status.DRAFT: "draft|Entwurf|brouillon|borrador|concept|bozza",
    Status.OPEN: "open|unpaid|sent|overdue|due soon|due|outstanding|authorised|authorized|issued|"
    "awaiting payment|not paid|viewed|approved|submitted|late|past due|"
    "offen|unbezahlt|versendet|verschickt|gesendet|überfällig|fällig|ausstehend|gemahnt|"
    "ouvert|ouverte|impayé|impayée|non payé|non payée|envoyé|envoyée|en retard|à payer|émise|"
    "échue|abierta|abierto|pendiente|enviada|vencida|impagada|no pagada|emitida|"
    "openstaand|onbetaald|verzonden|verstuurd|vervallen|achterstallig|te laat|"
    "aperta|aperto|non pagata|non pagato|inviata|scaduta|da pagare|emessa|insoluta",
    Status.PART_PAID: "part paid|partially paid|partly paid|partial|"
    "teilbezahlt|teilweise bezahlt|anbezahlt|teilzahlung|"
    "partiellement payée|partiellement payé|payée partiellement|paiement partiel|"
    "parcialmente pagada|pagada parcialmente|pago parcial|"
    "deels betaald|gedeeltelijk betaald|"
    "parzialmente pagata|pagata parzialmente|pagata in parte|pagamento parziale",
    Status.PAID: "paid|paid in full|settled|closed|complete|completed|"
    "bezahlt|beglichen|ausgeglichen|erledigt|geschlossen|abgeschlossen|"
    "payé|payée|réglé|réglée|acquittée|soldée|pagada|pagado|cobrada|cobrado|liquidada|"
    "betaald|voldaan|pagata|pagato|saldata|saldato|incassata",
    Status.CREDITED: "credited|credit note|refunded|gutgeschrieben|gutschrift|créditée|avoir|"
    "abonada|rectificada|gecrediteerd|creditnota|stornata|accreditata|nota di credito",
    Status.VOID: "void|voided|cancelled|canceled|storniert|storno|annulliert|annulé|annulée|"
    "anulada|anulado|cancelada|geannuleerd|annullata",
    Status.WRITTEN_OFF: "written off|write-off|uncollectible|bad debt|ausgebucht|abgeschrieben|"
    "uneinbringlich|irrécouvrable|passée en perte|incobrable|afgeboekt|oninbaar|inesigibile",
}
_TYPES: Final = {
    InvoiceType.INVOICE: "invoice|Rechnung|facture|factura|factuur|fattura",
    InvoiceType.CREDIT_NOTE: "credit note|credit memo|credit|Gutschrift|Rechnungskorrektur|"
    "Stornorechnung|avoir|note de crédit|nota de crédito|factura rectificativa|abono|"
    "creditnota|creditfactuur|nota di credito",
}
_STATUS_OF: Final = {
    plain(word): status for status, words in _STATUSES.items() for word in words.split("|")
}
_TYPE_OF: Final = {plain(word): kind for kind, words in _TYPES.items() for word in words.split("|")}
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


def read_currency(text: str) -> str:
    """Return the currency in capitals, or raise ValueError with a sentence."""
    code = {"€": "EUR", "£": "GBP", "EURO": "EUR"}.get(text.upper(), text.upper())
    if code not in CURRENCIES:
        raise ValueError(f"{text} isn't a currency. Write three letters, such as EUR.")
    return code


def read_status(text: str) -> Status:
    """Return the status, or raise ValueError with a sentence."""
    status = _STATUS_OF.get(plain(text))
    if status is None:
        known = ", ".join(str(one.label) for one in Status)
        raise ValueError(f"{text} isn't a status. Write one of {known}.")
    return status


def read_type(text: str) -> InvoiceType:
    """Return the type of document, or raise ValueError with a sentence."""
    kind = _TYPE_OF.get(plain(text))
    if kind is None:
        raise ValueError(f"{text} isn't a type. Write Invoice or Credit note.")
    return kind


def read_language(text: str) -> str:
    """Return the language of a customer, or raise ValueError with a sentence."""
    if not _LANGUAGE.fullmatch(text):
        raise ValueError(f"{text} isn't a language. Write it like en-GB or de.")
    return text
