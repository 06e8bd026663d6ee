"""All stand-ins, found in their folder: a new file there is a new row of every test."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lab.standin import StandIn

ROWS: Final = (
    "Stripe",
    "Xero",
    "QuickBooks Online",
    "Zoho Books / Invoice",
    "Invoice Ninja v5",
    "Odoo",
    "ERPNext / Frappe",
    "Dolibarr",
    "Chargebee",
    "Recurly",
    "FreshBooks",
    "Datagate",
    "ConnectWise PSA",
    "Autotask PSA",
    "Business Central",
    "Sage Intacct",
    "NetSuite",
    "Paperless-ngx",
    "S3 object / presigned",
    "SharePoint / OneDrive (Graph)",
    "BILL (bill.com)",
    "JTL Cloud ERP",
    "HostBill",
    "sevDesk",
    "Lexware Office",
    "Stigg",
    "AWS invoicing",
    "Oracle BRM / Billing Care",
    "Factus",
    "DoiT",
    "Svea",
    "Mercoa / Deel / Salesbricks",
    "ONLYOFFICE CRM",
    "Sellercloud",
    "Wello",
    "DeployHQ",
    "ABRA FlexiBee",
    "Square",
    "Akaunting",
    "HaloPSA",
    "InvoiceShelf / Crater",
    "Nextcloud / WebDAV",
    "WHMCS",
    "Folder over HTTP",
    "Tryton",
    "Login form",
)
"""The systems for which there has to be a preset, in the order of the page."""
_FOLDER: Final = Path(__file__).parent / "systems"


def load_stand_ins() -> tuple[type[StandIn], ...]:
    """Return the stand-ins in the order of their presets' names."""
    modules = [
        importlib.import_module(f"lab.systems.{path.stem}") for path in sorted(_FOLDER.glob("*.py"))
    ]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, StandIn) and "preset" in vars(value)
    }
    return tuple(sorted(found, key=lambda kind: kind.preset))


def facts_of(kind: type[StandIn]) -> tuple[tuple[str, Callable[..., Any]], ...]:
    """Return what else is shown of a preset: sentences with the checks behind them."""
    checks = [getattr(kind, name) for name in dir(kind)]
    return tuple((check.fact, check) for check in checks if hasattr(check, "fact"))
