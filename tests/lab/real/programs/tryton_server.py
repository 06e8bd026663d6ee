"""Serves Tryton with invoices whose reports are stored, as after posting. Runs in the lab's Python.

The database and its configuration go into the folder *argv[1]*. The PDFs of the folder *argv[2]*
become the reports of posted customer invoices with the number that is the file's name, unquoted; a
file whose name begins with DRAFT stays a draft. One line of JSON says where Tryton is. It ends with
its input.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

DATABASE, USER, STRANGER = "lab", "billhook", "stranger"
PASSWORD = 'p4ss"word<&>7'

folder, files = Path(sys.argv[1]), Path(sys.argv[2])
settings = folder / "trytond.conf"
settings.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n[session]\nsuper_pwd = x\n")
os.environ["TRYTOND_CONFIG"] = str(settings)

from trytond.config import config

config.update_etc(str(settings))
from trytond.pool import Pool
from trytond.transaction import Transaction

PDF = "pdf"


def main() -> None:
    """Make the database, fill it, and serve it."""
    make_database()
    Pool.start()
    pool = Pool(DATABASE)
    with Transaction().start(DATABASE, 0) as transaction:
        pool.init(update=["account_invoice"], activatedeps=True)
        transaction.commit()
    with Transaction().start(DATABASE, 1, context={"active_test": False}) as transaction:
        fill(pool)
        transaction.commit()
    serve()


def make_database() -> None:
    """Make an empty database with Tryton's own tables."""
    with Transaction().start(None, 0, close=True, autocommit=True) as transaction:
        transaction.database.create(transaction.connection, DATABASE)
    with Transaction().start(DATABASE, 0) as transaction:
        transaction.database.init()
        transaction.commit()


def fill(pool) -> None:
    """Make a company, two users and the invoices."""
    company = make_company(pool)
    with Transaction().set_context(company=company.id):
        group = pool.get("ir.model.data").get_id("account", "group_account")
        make_users(pool, company, group)
        make_invoices(pool, company)


def make_company(pool):
    """Make a company with a currency."""
    Currency, Party, Company = map(
        pool.get, ("currency.currency", "party.party", "company.company")
    )
    (euro,) = Currency.create(
        [{"name": "Euro", "code": "EUR", "symbol": "€", "digits": 2, "rounding": "0.01"}]
    )
    (party,) = Party.create([{"name": "Acme", "addresses": [("create", [{}])]}])
    (company,) = Company.create([{"party": party.id, "currency": euro.id}])
    return company


def make_users(pool, company, group) -> None:
    """Make a user who may read invoices, and one who may not."""
    pool.get("res.user").create(
        [
            {
                "name": name,
                "login": name,
                "password": PASSWORD,
                "companies": [("add", [company.id])],
                "company": company.id,
                "groups": [("add", groups)],
            }
            for name, groups in ((USER, [group]), (STRANGER, []))
        ]
    )


def make_invoices(pool, company) -> None:
    """Make an invoice for each file."""
    Party, Invoice = pool.get("party.party"), pool.get("account.invoice")
    (customer,) = Party.create([{"name": "Miller", "addresses": [("create", [{}])]}])
    account = make_account(pool, company)
    (journal, *_) = pool.get("account.journal").search([("type", "=", "revenue")]) or [
        make_journal(pool)
    ]
    for path in sorted(files.iterdir()):
        number = unquote(path.name)
        (invoice,) = Invoice.create(
            [
                {
                    "company": company.id,
                    "type": "out",
                    "party": customer.id,
                    "invoice_address": customer.addresses[0].id,
                    "currency": company.currency.id,
                    "account": account.id,
                    "journal": journal.id,
                    "invoice_date": dt.date(2026, 3, 31),
                }
            ]
        )
        is_draft = number.startswith("DRAFT")
        table = Invoice.__table__()
        columns = [table.number, table.state, table.invoice_report_format]
        values = [number, "draft" if is_draft else "posted", PDF]
        columns.append(table.invoice_report_cache)
        values.append(Invoice.invoice_report_cache.sql_format(path.read_bytes()))
        where = table.id == invoice.id
        Transaction().connection.cursor().execute(*table.update(columns, values, where=where))


def make_account(pool, company):
    """Make the account of what customers owe."""
    (kind,) = pool.get("account.account.type").create(
        [
            {
                "name": "Receivable",
                "company": company.id,
                "statement": "balance",
                "assets": True,
                "receivable": True,
            }
        ]
    )
    (account,) = pool.get("account.account").create(
        [
            {
                "name": "Receivable",
                "company": company.id,
                "type": kind.id,
                "party_required": True,
                "reconcile": True,
            }
        ]
    )
    return account


def make_journal(pool):
    """Make the journal of revenue."""
    (journal,) = pool.get("account.journal").create([{"name": "Revenue", "type": "revenue"}])
    return journal


def serve() -> None:
    """Serve until the input ends."""
    from trytond.application import app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"origin": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
