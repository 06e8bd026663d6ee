"""The names of columns that are recognised, in six languages, whatever their signs and capitals.

The table in docs/imports.md is made from these.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LANGUAGES: Final = {
    "en": "English",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "nl": "Dutch",
    "it": "Italian",
}

Names = dict[str, str]
"""Names by language; a bar separates them."""

INVOICE_NUMBER: Final[Names] = {
    "en": "Invoice number|Number|Invoice|Invoice no|Invoice nr|"
    "Inv no|Inv number|Document number|Document no|Doc no|Bill number|Bill no|No|Num",
    "de": "Rechnungsnummer|Rechnungsnr|Rechnung|Rechnung Nr|Re-Nr|Rg-Nr|Rg|Belegnummer|Belegnr|"
    "Beleg|Belegfeld 1|Dokumentnummer|Dokumentennummer|Fakturanummer|Faktura|Nummer|Nr",
    "fr": "Numéro de facture|Numéro facture|N° facture|N° de facture|No facture|No de facture|"
    "Num facture|Facture|Facture n°|Référence facture|Numéro|Numéro de pièce|N° pièce|"
    "N°",
    "es": "Número de factura|Número factura|Nº factura|Nº de factura|N° factura|Núm factura|"
    "Factura|Factura nº|Número|Número de documento|Nº documento|Folio",
    "nl": "Factuurnummer|Factuurnr|Factuur|Documentnummer|Nummer|Nr",
    "it": "Numero fattura|Numero di fattura|N. fattura|Nr fattura|N° fattura|Num fattura|Fattura|"
    "Fattura n|Numero documento|N. documento|Nr documento|Numero",
}
CUSTOMER_NUMBER: Final[Names] = {
    "en": "Customer number|Customer no|Customer nr|Customer code|Cust no|"
    "Account number|Account no|Account code|Debtor number|Debtor no|Client number|Client no|"
    "Client code",
    "de": "Kundennummer|Kundennr|Kunden-Nr|Kd-Nr|Kundencode|Debitorennummer|"
    "Debitorennr|Debitornummer|Debitornr|Debitorenkonto",
    "fr": "Numéro client|Numéro de client|N° client|N° de client|No client|Code client|Client n°|"
    "Référence client|Réf client|Compte client",
    "es": "Número de cliente|Número cliente|Nº cliente|Nº de cliente|N° cliente|Código cliente|"
    "Código de cliente|Cód cliente|Núm cliente",
    "nl": "Klantnummer|Klantnr|Klantcode|Debiteurnummer|Debiteurennummer|Debiteurnr|"
    "Debiteurcode|Relatienummer|Relatiecode",
    "it": "Codice cliente|Numero cliente|Numero di cliente|N. cliente|Nr cliente|Cod cliente",
}
INVOICE_ID: Final[Names] = {
    "en": "Invoice ID",
    "de": "Rechnungs-ID",
    "fr": "Identifiant facture",
    "es": "ID factura",
    "nl": "Factuur-id",
    "it": "ID fattura",
}
"""The number of an invoice or, next to a column with that, its id in the billing system."""
CUSTOMER_ID: Final[Names] = {
    "en": "Customer ID|Client ID|Account ID",
    "de": "Kunden-ID|Debitoren-ID",
    "fr": "Identifiant client|ID client",
    "es": "ID cliente|ID de cliente",
    "nl": "Klant-id|Debiteur-id",
    "it": "ID cliente",
}
"""The number of a customer, unless another column has that."""
CUSTOMER: Final[Names] = {
    "en": "Customer|Client|Debtor",
    "de": "Kunde|Debitor",
    "fr": "Client",
    "es": "Cliente",
    "nl": "Klant|Debiteur|Relatie",
    "it": "Cliente",
}
"""Names of columns with either the number or the name of a customer: the cells decide."""
CUSTOMER_NAME: Final[Names] = {
    "en": "Customer name|Company|Company name|Client name|Debtor name|Account name|Bill to|"
    "Billed to|Organisation|Organization",
    "de": "Kundenname|Firma|Firmenname|Name des Kunden|Debitorname|Debitorenname|Empfänger|"
    "Rechnungsempfänger|Unternehmen",
    "fr": "Nom du client|Nom client|Société|Raison sociale|Entreprise|Destinataire",
    "es": "Nombre del cliente|Nombre cliente|Nombre de cliente|Razón social|"
    "Nombre o razón social|Empresa",
    "nl": "Klantnaam|Naam klant|Bedrijf|Bedrijfsnaam|Debiteurnaam|Relatienaam",
    "it": "Nome cliente|Nome del cliente|Ragione sociale|Denominazione|Azienda|Società|"
    "Intestatario",
}
NAME: Final[Names] = {
    "en": "Name|Contact name",
    "de": "Name",
    "fr": "Nom",
    "es": "Nombre",
    "nl": "Naam",
    "it": "Nome",
}
"""In a file of invoices, the name of the customer; next to an e-mail address, of the contact."""
ISSUED_ON: Final[Names] = {
    "en": "Date|Invoice date|Issued|Issue date|Issued on|Date issued|Date of issue|Billing date|"
    "Bill date|Document date|Inv date",
    "de": "Datum|Rechnungsdatum|Rechnung vom|Belegdatum|Ausstellungsdatum|Rg-Datum|Re-Datum|"
    "Fakturadatum|Dokumentdatum",
    "fr": "Date|Date de facture|Date facture|Date de la facture|Date de facturation|"
    "Date facturation|Date d'émission|Date émission|Émise le|Date pièce|Date du document",
    "es": "Fecha|Fecha de factura|Fecha factura|Fecha de la factura|Fecha de emisión|"
    "Fecha emisión|Fecha de expedición|Fecha expedición|Fecha documento",
    "nl": "Datum|Factuurdatum|Datum factuur|Documentdatum",
    "it": "Data|Data fattura|Data della fattura|Data documento|Data emissione|Data di emissione",
}
DUE_ON: Final[Names] = {
    "en": "Due date|Due|Due on|Due by|Date due|Payable by|Pay by|Payment due|Payment due date|"
    "Net due date|Maturity date",
    "de": "Fällig|Fällig am|Fällig bis|Fälligkeit|Fälligkeitsdatum|Nettofälligkeit|Zahlbar bis",
    "fr": "Échéance|Date d'échéance|Date échéance|Date limite de paiement|"
    "Date limite de règlement|À payer avant le",
    "es": "Vencimiento|Fecha de vencimiento|Fecha vencimiento|Vence|Vence el|Fecha límite de pago",
    "nl": "Vervaldatum|Vervaldag|Vervalt op|Uiterste betaaldatum|Betalen voor|Te betalen voor",
    "it": "Scadenza|Data scadenza|Data di scadenza|Scade il|Scadenza pagamento",
}
AMOUNT: Final[Names] = {
    "en": "Amount|Total|Gross|Gross amount|Total amount|Total gross|Invoice amount|"
    "Invoice total|Grand total|Sum|Total incl VAT|Amount incl VAT|Total incl tax|Total inc tax|"
    "Amount including VAT|Total including VAT",
    "de": "Betrag|Gesamtbetrag|Rechnungsbetrag|Rechnungssumme|Bruttobetrag|Brutto|Bruttosumme|"
    "Betrag brutto|Summe|Summe brutto|Gesamt|Gesamt brutto|Gesamtsumme|Endbetrag|Total",
    "fr": "Montant|Total|Montant TTC|Total TTC|TTC|Montant total|Montant total TTC|"
    "Montant facture|Montant de la facture|Total facture",
    "es": "Importe|Total|Importe total|Importe factura|Importe de la factura|Total factura|Monto|"
    "Monto total|Total con IVA|Importe con IVA",
    "nl": "Bedrag|Totaal|Totaalbedrag|Factuurbedrag|Bruto|Brutobedrag|Bedrag incl btw|"
    "Totaal incl btw|Bedrag inclusief btw|Totaal inclusief btw",
    "it": "Importo|Totale|Importo totale|Importo fattura|Totale fattura|Totale documento|"
    "Totale ivato|Importo lordo|Totale lordo|Lordo",
}
ITEM_AMOUNT: Final[Names] = {
    "en": "Item amount|Item total|Line amount|Line total|Line item amount|Row total",
    "de": "Positionsbetrag|Positionssumme|Zeilenbetrag|Zeilensumme|Pos-Betrag",
    "fr": "Montant ligne|Montant de la ligne|Montant ligne TTC|Total ligne|Total ligne TTC",
    "es": "Importe línea|Importe de línea|Importe de la línea|Total línea",
    "nl": "Regelbedrag|Regeltotaal|Bedrag regel|Totaal regel",
    "it": "Importo riga|Totale riga",
}
OPEN_AMOUNT: Final[Names] = {
    "en": "Still open|Open|Open amount|Open balance|Balance|Balance due|Amount due|"
    "Invoice amount due|Due amount|Outstanding|Outstanding amount|Amount outstanding|Unpaid|"
    "Remaining|Remaining amount",
    "de": "Offen|Noch offen|Offener Betrag|Offene Summe|Offener Posten|Offener Saldo|Restbetrag|"
    "Rest|Saldo|Zu zahlen|OP-Betrag",
    "fr": "Reste à payer|Reste dû|Restant dû|Montant dû|Montant restant|Solde|Solde dû|À payer",
    "es": "Pendiente|Importe pendiente|Pendiente de pago|Saldo|Saldo pendiente|Por pagar",
    "nl": "Openstaand|Openstaand bedrag|Open bedrag|Nog te betalen|Te betalen|Restbedrag|Saldo",
    "it": "Da pagare|Importo da pagare|Da saldare|Residuo|Importo residuo|Importo aperto|Aperto|"
    "Saldo",
}
CURRENCY: Final[Names] = {
    "en": "Currency|Currency code|Invoice currency|Ccy|Cur",
    "de": "Währung|Währungscode|Währungskürzel|Währungskennzeichen|WKZ|Whg",
    "fr": "Devise|Code devise|Monnaie",
    "es": "Moneda|Divisa|Código moneda|Código de moneda",
    "nl": "Valuta|Valutacode|Munt",
    "it": "Valuta|Divisa|Codice valuta",
}
STATUS: Final[Names] = {
    "en": "Status|State|Payment status|Invoice status",
    "de": "Status|Zahlungsstatus|Rechnungsstatus|Zustand",
    "fr": "Statut|État|Statut de paiement|État de paiement|Statut facture",
    "es": "Estado|Estado de pago|Estado factura|Estado de la factura|Situación",
    "nl": "Status|Betaalstatus|Factuurstatus",
    "it": "Stato|Stato pagamento|Stato del pagamento|Stato fattura",
}
TYPE: Final[Names] = {
    "en": "Document type",
    "de": "Dokumenttyp",
    "fr": "Type de document",
    "es": "Tipo de documento",
    "nl": "Documenttype",
    "it": "Tipo di documento",
}
"""Not "Type" alone, in which programs have codes of their own."""
PO_NUMBER: Final[Names] = {
    "en": "PO number|PO|PO no|Purchase order|Purchase order number|Order number|Order no|"
    "Customer PO|Your reference",
    "de": "Bestellnummer|Bestellnr|Best-Nr|Kundenbestellnummer|Bestellung|Ihre Bestellung|"
    "Ihr Zeichen",
    "fr": "Numéro de commande|N° commande|N° de commande|Bon de commande|Votre référence",
    "es": "Número de pedido|Nº pedido|Nº de pedido|Pedido|Orden de compra|Su referencia",
    "nl": "Bestelnummer|Inkoopnummer|Inkoopordernummer|Ordernummer|Uw referentie",
    "it": "Numero ordine|N. ordine|Numero d'ordine|Ordine d'acquisto|Vostro riferimento",
}
LINK: Final[Names] = {
    "en": "Link|Invoice link|Payment link",
    "de": "Rechnungslink|Zahlungslink",
    "fr": "Lien|Lien de paiement",
    "es": "Enlace|Enlace de pago",
    "nl": "Betaallink|Factuurlink",
    "it": "Collegamento|Link di pagamento",
}
SOURCE_ID: Final[Names] = {
    "en": "Id in the billing system|Source ID|External ID|Internal ID|ID|GUID|UUID",
    "de": "Externe ID|Interne ID",
    "fr": "Identifiant externe|ID externe",
    "es": "ID externo|Identificador externo",
    "nl": "Extern id|Externe id",
    "it": "ID esterno|Identificativo esterno",
}
EMAIL: Final[Names] = {
    "en": "E-mail|Mail|E-mail address|Contact e-mail|Billing e-mail|Invoice e-mail",
    "de": "E-Mail|E-Mail-Adresse|Mail|Mailadresse|E-Mail Rechnung|Rechnungs-E-Mail",
    "fr": "E-mail|Courriel|Adresse e-mail|Adresse électronique|Adresse mail|Mél|Mail",
    "es": "Correo|Correo electrónico|E-mail|Dirección de correo|Mail",
    "nl": "E-mail|E-mailadres|Mailadres|Mail",
    "it": "E-mail|Posta elettronica|Indirizzo e-mail|Mail",
}
CONTACT_NAME: Final[Names] = {
    "en": "Contact|Person|Contact person|Full name|Name of contact",
    "de": "Ansprechpartner|Ansprechpartnerin|Ansprechperson|Kontakt|Kontaktperson|Kontaktname",
    "fr": "Contact|Nom du contact|Interlocuteur|Personne de contact",
    "es": "Contacto|Nombre del contacto|Nombre de contacto|Persona de contacto",
    "nl": "Contact|Contactpersoon|Naam contactpersoon|Contactnaam",
    "it": "Contatto|Nome contatto|Nome del contatto|Referente|Persona di contatto",
}
LOCALE: Final[Names] = {
    "en": "Language|Language code|Locale",
    "de": "Sprache|Sprachcode",
    "fr": "Langue|Code langue",
    "es": "Idioma|Lengua",
    "nl": "Taal|Taalcode",
    "it": "Lingua|Codice lingua",
}
CUSTOMER_NUMBER_ALONE: Final[Names] = {
    "en": "Number|No|ID",
    "de": "Nummer|Nr",
    "fr": "Numéro|N°|Code",
    "es": "Número|Código",
    "nl": "Nummer|Nr|Code",
    "it": "Numero|Codice",
}
"""In a file of customers, the number of the customer."""

_BRACKETS: Final = re.compile(r"[(\[{<][^)\]}>]{0,200}[)\]}>]")
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})


def plain(heading: str) -> str:
    """Return *heading* in lower-case letters and digits alone: ``InvoiceNumber`` is one word."""
    letters = unicodedata.normalize("NFKD", heading.casefold())
    return "".join(letter for letter in letters if letter.isalnum() and letter.isascii())


def plain_names(names: Names) -> frozenset[str]:
    """Return all *names* as :func:`plain` writes them, umlauts also as two letters."""
    listed = [name for some in names.values() for name in some.split("|")]
    return frozenset(
        plain(written) for name in listed for written in (name, name.translate(_UMLAUTS))
    )


def without_note(heading: str) -> str:
    """Return *heading* without what follows it in brackets: ``Amount (EUR)`` is ``Amount``."""
    return _BRACKETS.sub(" ", heading)
