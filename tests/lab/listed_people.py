"""Stand-ins whose customers, and of some whose contacts, can be listed page by page.

They extend those of :mod:`lab.listed`. The people are in ``people``, which may change between two
pages; the first row of a page may be the last one of the page before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from aiohttp import web

from lab.listed import (
    SIZE,
    ListedAutotask,
    ListedBusinessCentral,
    ListedConnectWise,
    ListedDolibarr,
    ListedFreshBooks,
    ListedHaloPsa,
    ListedInvoiceNinja,
    ListedLexware,
    ListedNetSuite,
    ListedOdoo,
    ListedQuickBooks,
    ListedSageIntacct,
    ListedSevDesk,
    ListedStripe,
    ListedWhmcs,
    ListedXero,
    local,
)
from lab.standin import Call, Refused, route
from lab.strict import check_basic, check_bearer
from lab.systems.business_central import _ROOT
from lab.systems.connectwise import _PATH as _CONNECTWISE

_FROM_ID_0: Final = {"op": "gte", "field": "id", "value": 0}
_CUSTOMERS: Final = _ROOT.replace("salesInvoices", "customers")


@dataclass(frozen=True, kw_only=True)
class Person:
    """A customer or a contact as the system has it."""

    id: int
    name: str
    email: str
    number: str
    is_active: bool = True
    changed: datetime


class ListedPeople:
    """A stand-in with a list of people.

    ``has_numbers`` and ``can_close`` say whether its list has numbers, and shows who is inactive.
    """

    command: ClassVar = "ListCustomers"
    has_numbers: ClassVar = True
    can_close: ClassVar = True
    repeats_border = True

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[int, Person] = {}
        self.next_id = 1
        self.meanwhile: Callable[[], None] = lambda: None

    # What a person there does

    def add(self) -> None:
        number = self.next_id
        self.next_id += 1
        self.people[number] = Person(
            id=number,
            name=f"Müller & Söhne {number}",
            email=f"p{number}@x.example" if number % 4 else "",
            number=f"K-{number}",
            changed=self.system.tick(),
        )

    def rename(self, number: int) -> None:
        name = f"A {self.people[number].name}"
        self.people[number] = replace(self.people[number], name=name, changed=self.system.tick())

    def close(self, number: int) -> None:
        person = replace(self.people[number], is_active=False, changed=self.system.tick())
        self.people[number] = person

    def delete(self, number: int) -> None:
        del self.people[number]

    # What it answers

    def listed(self, *, inactive: bool = True) -> list[Person]:
        people = sorted(self.people.values(), key=lambda each: each.id)
        return [each for each in people if inactive or each.is_active]

    def page(self, rows: Sequence[Any], start: int) -> list[Any]:
        """Return the rows of one page, after which the people may change."""
        border = 1 if self.repeats_border and start else 0
        shown = list(rows[start - border : start + SIZE])
        self.meanwhile()
        return shown


class StripeCustomers(ListedPeople, ListedStripe):
    has_numbers = can_close = False

    @route("GET", "/v1/customers")
    def list_customers(self, call: Call) -> web.Response:
        check_basic(call, self.secrets["SecretKey"], "")
        rows = self.listed()[::-1]
        ids = [f"{each.id}" for each in rows]
        after = self.query_of(call).get("starting_after")
        if after is not None and after not in ids:
            raise Refused(400, f"No such customer: {after}")
        start = ids.index(after) + 1 if after else 0
        shown = [
            {"id": f"{each.id}", "name": each.name, "email": each.email or None}
            for each in self.page(rows, start)
        ]
        return self.done({"data": shown, "has_more": start + SIZE < len(rows)})


class QuickBooksCustomers(ListedPeople, ListedQuickBooks):
    """A query gives only the active ones, unless it asks for others."""

    has_numbers = False

    @route("GET", "/v3/company/{company}/query")
    def query(self, call: Call, company: str) -> web.Response:
        self._check(call, company)
        match = re.fullmatch(
            r"SELECT \* FROM Customer( WHERE Active IN \(true, false\))? ORDER BY Id ASC "
            r"STARTPOSITION (\d+) MAXRESULTS 1000",
            self.query_of(call)["query"],
        )
        if match is None:
            raise Refused(400, "QueryParserError")
        shown = [
            {"Id": f"{each.id}", "DisplayName": each.name, "Active": each.is_active}
            | ({"PrimaryEmailAddr": {"Address": each.email}} if each.email else {})
            for each in self.page(self.listed(inactive=bool(match[1])), int(match[2]) - 1)
        ]
        return self.done({"QueryResponse": {"Customer": shown} if shown else {}})


class BusinessCentralCustomers(ListedPeople, ListedBusinessCentral):
    can_close = False

    @route("GET", _CUSTOMERS)
    def list_customers(self, call: Call, **place: str) -> web.Response:
        self._check(call, **place)
        query = self.query_of(call)
        if query["$orderby"] != "id":
            raise Refused(400, "another order")
        rows, start = self.listed(), int(query.get("$skiptoken", 0))
        names = ("id", "number", "displayName", "email")
        page: dict[str, Any] = {
            "value": [
                dict(zip(names, (f"{each.id}", each.number, each.name, each.email), strict=True))
                for each in self.page(rows, start)
            ]
        }
        if start + SIZE < len(rows):
            following = f"{call.raw_path}?$orderby=id&$skiptoken={start + SIZE}"
            page["@odata.nextLink"] = self.api + following
        return self.done(page)


class InvoiceNinjaCustomers(ListedPeople, ListedInvoiceNinja):
    """A client that was deleted stays listed, and is marked; a private one has no name."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: set[int] = set()

    def close(self, number: int) -> None:
        super().close(number)
        self.gone.add(number)

    @route("GET", "/api/v1/clients")
    def list_clients(self, call: Call) -> web.Response:
        call.needs("X-API-TOKEN", self.secrets["ApiToken"], status=403)
        query = self.query_of(call)
        if query["sort"] != "id|asc":
            raise Refused(400, "another order")
        rows, start = self.listed(), (int(query["page"]) - 1) * SIZE
        pages = {"total_pages": -(-len(rows) // SIZE), "total": len(rows)}
        shown = [self._client(each) for each in self.page(rows, start)]
        return self.done({"data": shown, "meta": {"pagination": pages}})

    def _client(self, person: Person) -> dict[str, Any]:
        return {
            "id": f"{person.id}",
            "number": person.number,
            "name": person.name if person.id % 2 else "",
            "display_name": person.name,
            "is_deleted": person.id in self.gone,
            "contacts": [
                {"id": f"c{person.id}", "first_name": "", "last_name": "", "email": person.email},
                {"id": f"d{person.id}", "first_name": "Ann", "last_name": "Lee", "email": ""},
            ],
        }


class OdooCustomers(ListedPeople, ListedOdoo):
    """A search finds what is archived only if it asks for it; what is empty is false."""

    def _execute(self, message: Any, *args: Any) -> web.Response:
        if args[3] == "res.partner":
            args = (*args[:3], "account.move", *args[4:])
        return super()._execute(message, *args)

    def _search_read(self, domain: list[Any], **named: Any) -> list[dict[str, Any]]:
        since = next(value for name, _, value in domain if name == "write_date")
        assert ["customer_rank", ">", 0] in domain
        assert named["order"] == "write_date asc, id asc"
        people = self.listed(inactive=["active", "in", [True, False]] in domain)
        rows = [each for each in people if each.changed >= local(since)]
        rows.sort(key=lambda each: (each.changed, each.id))
        shown = [self._partner(each) for each in self.page(rows, named["offset"])]
        return [{name: each[name] for name in ("id", *named["fields"])} for each in shown]

    @staticmethod
    def _partner(person: Person) -> dict[str, Any]:
        return {
            "id": person.id,
            "name": person.name,
            "ref": person.number,
            "email": person.email or False,
            "lang": "en_GB" if person.id % 2 else False,
            "active": person.is_active,
            "write_date": person.changed.strftime("%Y-%m-%d %H:%M:%S"),
        }


class DolibarrCustomers(ListedPeople, ListedDolibarr):
    @route("GET", "/dolibarr/api/index.php/thirdparties")
    def third_parties(self, call: Call) -> web.Response:
        if self.query_of(call)["mode"] != "1":
            raise Refused(400, "not only customers are asked for")
        return self._answer(call, self._third_party)

    def _answer(self, call: Call, row: Callable[[Person], dict[str, Any]]) -> web.Response:
        self._check_key(call)
        query = self.query_of(call)
        if (query["sortfield"], query["sortorder"]) != ("t.rowid", "ASC"):
            raise Refused(400, "another order")
        start = int(query["page"]) * SIZE
        rows = self.listed()
        if start >= len(rows):
            return web.json_response({"error": {"code": 404, "message": "Not Found"}}, status=404)
        return self.done([row(each) for each in self.page(rows, start)])

    @staticmethod
    def _third_party(person: Person) -> dict[str, Any]:
        return {
            "id": f"{person.id}",
            "name": person.name,
            "code_client": person.number,
            "email": person.email or None,
            "status": "1" if person.is_active else "0",
        }


class DolibarrContacts(DolibarrCustomers):
    """A contact may be of nobody."""

    command = "ListContacts"
    has_numbers = False

    @route("GET", "/dolibarr/api/index.php/contacts")
    def contacts(self, call: Call) -> web.Response:
        return self._answer(call, self._contact)

    @staticmethod
    def _contact(person: Person) -> dict[str, Any]:
        first, _, last = person.name.partition(" ")
        return {
            "id": f"{person.id}",
            "socid": f"{person.id % 3}" if person.id % 3 else None,
            "firstname": first,
            "lastname": last,
            "email": person.email or None,
            "statut": "1" if person.is_active else "0",
        }


class WhmcsCustomers(ListedPeople, ListedWhmcs):
    """Clients are listed by name, so that a new name moves them, unless another order is set."""

    has_numbers = False

    @route("POST", "/includes/api.php")
    def api_php(self, call: Call) -> web.Response:
        form = dict(parse_qsl(call.body.decode("ascii"), keep_blank_values=True))
        if [form["identifier"], form["secret"]] != list(self.secrets.values()):
            raise Refused(403, "Invalid or missing credentials")
        if form["action"] != "GetClients":
            raise Refused(403, "another action")
        rows = self.listed()
        if form.get("orderby") != "id":
            rows.sort(key=lambda each: each.name)
        shown = [self._client(each) for each in self.page(rows, int(form["limitstart"]))]
        return self.done(
            {"result": "success", "totalresults": len(rows), "clients": {"client": shown}}
        )

    @staticmethod
    def _client(person: Person) -> dict[str, Any]:
        is_company = person.id % 2
        return {
            "id": person.id,
            "firstname": "Ann",
            "lastname": "Lee" if is_company else person.name,
            "companyname": person.name if is_company else "",
            "email": person.email,
            "status": "Active" if person.is_active else "Closed",
        }


class XeroCustomers(ListedPeople, ListedXero):
    """Archived ones are listed only if they are asked for; suppliers are contacts, too."""

    @route("GET", "/api.xro/2.0/Contacts")
    def list_contacts(self, call: Call) -> web.Response:
        self._check(call)
        query = self.query_of(call)
        if (query["where"], query["order"]) != ("IsCustomer==true", "UpdatedDateUTC ASC"):
            raise Refused(400, "another where or order")
        people = self.listed(inactive=query.get("includeArchived") == "true")
        since = call.headers.get("If-Modified-Since")
        edge = local(since, form="%Y-%m-%dT%H:%M:%S") if since else None
        rows = [each for each in people if edge is None or each.changed >= edge]
        rows.sort(key=lambda each: (each.changed, each.id))
        start = (int(query["page"]) - 1) * SIZE
        pages = {"page": int(query["page"]), "pageCount": -(-len(rows) // SIZE)}
        shown = [self._contact(each) for each in self.page(rows, start)]
        return self.done({"pagination": pages, "Contacts": shown})

    @staticmethod
    def _contact(person: Person) -> dict[str, Any]:
        return {
            "ContactID": f"{person.id}",
            "AccountNumber": person.number,
            "Name": person.name,
            "EmailAddress": person.email,
            "ContactStatus": "ACTIVE" if person.is_active else "ARCHIVED",
            "UpdatedDateUTC": f"/Date({int(person.changed.timestamp()) * 1000}+0000)/",
        }


class FreshBooksCustomers(ListedPeople, ListedFreshBooks):
    """A client that was deleted stays listed, and is marked; one may be no organisation."""

    has_numbers = False

    @route("GET", "/accounting/account/{account}/users/clients")
    def list_clients(self, call: Call, account: str) -> web.Response:
        self._check(call, account)
        page, rows = int(self.query_of(call)["page"]), self.listed()
        shown = [self._client(each) for each in self.page(rows, (page - 1) * SIZE)]
        result = {"clients": shown, "pages": -(-len(rows) // SIZE), "page": page}
        return self.done({"response": {"result": result}})

    @staticmethod
    def _client(person: Person) -> dict[str, Any]:
        is_company = person.id % 2
        return {
            "id": person.id,
            "organization": person.name if is_company else "",
            "fname": "Ann",
            "lname": "Lee" if is_company else person.name,
            "email": person.email,
            "vis_state": 0 if person.is_active else 1,
        }


class LexwareCustomers(ListedPeople, ListedLexware):
    """Addresses are lists, by kind."""

    @route("GET", "/v1/contacts")
    def contacts(self, call: Call) -> web.Response:
        check_bearer(call, self.secrets["ApiKey"])
        query = self.query_of(call)
        if query["customer"] != "true":
            raise Refused(400, "suppliers are asked for, too")
        rows, start = self.listed(), int(query["page"]) * SIZE
        shown = [self._contact(each) for each in self.page(rows, start)]
        return self.done({"content": shown, "totalPages": -(-len(rows) // SIZE)})

    @staticmethod
    def _contact(person: Person) -> dict[str, Any]:
        is_company, kind = person.id % 2, "business" if person.id % 2 else "other"
        who = {"company": {"name": person.name}} if is_company else {}
        return {
            "id": f"{person.id}",
            "roles": {"customer": {"number": person.number}},
            "person": {"lastName": person.name},
            "emailAddresses": {kind: [person.email]} if person.email else {},
            "archived": not person.is_active,
            **who,
        }


class AutotaskCustomers(ListedPeople, ListedAutotask):
    path: ClassVar = "Companies"

    @route("POST", "/ATServicesRest/V1.0/{entity}/query")
    def query(self, call: Call, entity: str = "Invoices") -> web.Response:
        self._check(call)
        if entity != self.path or call.json()["filter"] != [_FROM_ID_0]:
            raise Refused(500, "another entity or filter")
        after, people = int(self.query_of(call).get("after", 0)), self.listed()
        start = sum(1 for each in people if each.id <= after)
        shown = self.page(people, start)
        more = people[start + SIZE :]
        following = f"{self.api}{call.raw_path}?after={shown[-1].id}" if more else None
        items = [self._item(each) for each in shown]
        return self.done({"items": items, "pageDetails": {"nextPageUrl": following}})

    def _item(self, person: Person) -> dict[str, Any]:
        return {
            "id": person.id,
            "companyName": person.name,
            "companyNumber": person.number,
            "isActive": person.is_active,
        }

    def add(self) -> None:
        super().add()
        last = self.next_id - 1
        self.people[last] = replace(self.people[last], email="")  # a company has none


class AutotaskContacts(AutotaskCustomers):
    command = "ListContacts"
    path = "Contacts"
    has_numbers = False

    def _item(self, person: Person) -> dict[str, Any]:
        first, _, last = person.name.partition(" ")
        return {
            "id": person.id,
            "companyID": person.id % 3,
            "firstName": first,
            "lastName": last,
            "emailAddress": f"p{person.id}@x.example",
            "isActive": int(person.is_active),
        }

    def add(self) -> None:
        ListedPeople.add(self)
        last = self.next_id - 1
        self.people[last] = replace(self.people[last], email=f"p{last}@x.example")


class HaloPsaCustomers(ListedPeople, ListedHaloPsa):
    """Inactive ones are listed only if they are asked for."""

    has_numbers = False

    @route("GET", "/api/Client")
    def clients(self, call: Call) -> web.Response:
        shown, count = self._people(call)
        rows = [{"id": e.id, "name": e.name, "inactive": not e.is_active} for e in shown]
        return self.done({"record_count": count, "clients": rows})

    def _people(self, call: Call) -> tuple[list[Person], int]:
        self.oauth.check(call)
        query = self.query_of(call)
        if (query["order"], query["pageinate"], query["includeactive"]) != ("id", "true", "true"):
            raise Refused(400, "another order, or no pages")
        people = self.listed(inactive=query.get("includeinactive") == "true")
        return self.page(people, (int(query["page_no"]) - 1) * SIZE), len(people)

    def add(self) -> None:
        super().add()
        last = self.next_id - 1
        self.people[last] = replace(self.people[last], email="")


class HaloPsaContacts(HaloPsaCustomers):
    command = "ListContacts"

    @route("GET", "/api/Users")
    def users(self, call: Call) -> web.Response:
        shown, count = self._people(call)
        rows = [
            {
                "id": each.id,
                "client_id": each.id % 3,
                "name": each.name,
                "emailaddress": each.email or None,
                "inactive": not each.is_active,
            }
            for each in shown
        ]
        return self.done({"record_count": count, "users": rows})

    def add(self) -> None:
        ListedPeople.add(self)


class ConnectWiseCustomers(ListedPeople, ListedConnectWise):
    @route("GET", f"{_CONNECTWISE}/company/companies")
    def companies(self, call: Call) -> web.Response:
        return self.done([self._company(each) for each in self._people(call)])

    def _people(self, call: Call) -> list[Person]:
        self._check(call)
        query = self.query_of(call)
        if query["orderBy"] != "id asc":
            raise Refused(400, "another order")
        return self.page(self.listed(), (int(query["page"]) - 1) * SIZE)

    @staticmethod
    def _company(person: Person) -> dict[str, Any]:
        return {
            "id": person.id,
            "identifier": person.number,
            "name": person.name,
            "deletedFlag": not person.is_active,
        }

    def add(self) -> None:
        super().add()
        last = self.next_id - 1
        self.people[last] = replace(self.people[last], email="")


class ConnectWiseContacts(ConnectWiseCustomers):
    """Telephone numbers are among the addresses."""

    command = "ListContacts"
    has_numbers = False

    @route("GET", f"{_CONNECTWISE}/company/contacts")
    def contacts(self, call: Call) -> web.Response:
        return self.done([self._contact(each) for each in self._people(call)])

    @staticmethod
    def _contact(person: Person) -> dict[str, Any]:
        first, _, last = person.name.partition(" ")
        ways = [{"communicationType": "Phone", "value": "555"}]
        ways += [{"communicationType": "Email", "value": person.email}] if person.email else []
        return {
            "id": person.id,
            "firstName": first,
            "lastName": last,
            "company": {"id": person.id % 3},
            "communicationItems": ways,
            "inactiveFlag": not person.is_active,
        }

    def add(self) -> None:
        ListedPeople.add(self)


class NetSuiteCustomers(ListedPeople, ListedNetSuite):
    @route("POST", "/services/rest/query/v1/suiteql")
    def suiteql(self, call: Call) -> web.Response:
        self._check(call)
        if not call.json()["q"].endswith("isinactive FROM customer ORDER BY id"):
            raise Refused(400, "the query can't be read")
        rows, start = self.listed(), int(self.query_of(call)["offset"])
        shown = [
            {
                "id": f"{each.id}",
                "entityid": each.number,
                "companyname": each.name if each.id % 2 else None,
                "altname": each.name,
                "email": each.email or None,
                "isinactive": "F" if each.is_active else "T",
            }
            for each in self.page(rows, start)
        ]
        return self.done({"items": shown, "hasMore": start + SIZE < len(rows)})


class SevDeskCustomers(ListedPeople, ListedSevDesk):
    """A customer's addresses are in a list of their own; a person has a family name."""

    can_close = False

    @route("GET", "/api/v1/Contact")
    def contacts(self, call: Call) -> web.Response:
        if self.query_of(call)["depth"] != "1":
            raise Refused(400, "people are asked for without their company")
        return self._answer(call, self._contact)

    def _answer(self, call: Call, row: Callable[[Person], dict[str, Any]]) -> web.Response:
        check_bearer(call, self.secrets["ApiToken"], word="")
        rows, start = self.listed(), int(self.query_of(call)["offset"])
        shown = [row(each) for each in self.page(rows, start)]
        return self.done({"total": len(rows), "objects": shown})

    @staticmethod
    def _contact(person: Person) -> dict[str, Any]:
        name = "name" if person.id % 2 else "familyname"
        return {"id": f"{person.id}", "customerNumber": person.number, name: person.name}

    def add(self) -> None:
        super().add()
        last = self.next_id - 1
        self.people[last] = replace(self.people[last], email="")


class SevDeskContacts(SevDeskCustomers):
    """Each row is an address."""

    command = "ListContacts"
    has_numbers = False

    @route("GET", "/api/v1/CommunicationWay")
    def ways(self, call: Call) -> web.Response:
        query = self.query_of(call)
        if (query["type"], query["embed"]) != ("EMAIL", "contact"):
            raise Refused(400, "telephone numbers are asked for, too")
        return self._answer(call, self._way)

    @classmethod
    def _way(cls, person: Person) -> dict[str, Any]:
        return {"id": f"{person.id}", "value": person.email, "contact": cls._contact(person)}

    def add(self) -> None:
        ListedPeople.add(self)
        last = self.next_id - 1
        self.people[last] = replace(self.people[last], email=f"p{last}@x.example")


class SageIntacctCustomers(ListedPeople, ListedSageIntacct):
    has_numbers = False

    def _query(self, function: Any) -> web.Response:
        fields = [each.text for each in function.find("select")]
        if function.findtext("object") != "CUSTOMER" or "DISPLAYCONTACT.EMAIL1" not in fields:
            raise Refused(400, "another object")
        rows, start = self.listed(), int(function.findtext("offset"))
        shown = "".join(self._customer(each) for each in self.page(rows, start))
        data = f'<data listtype="CUSTOMER" totalcount="{len(rows)}">{shown}</data>'
        return self._result("query", data)

    @staticmethod
    def _customer(person: Person) -> str:
        facts = {
            "RECORDNO": person.id + 1000,
            "CUSTOMERID": person.id,
            "NAME": escape(person.name),
            "DISPLAYCONTACT.EMAIL1": person.email,
            "STATUS": "active" if person.is_active else "inactive",
        }
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in facts.items())
        return f"<CUSTOMER>{inside}</CUSTOMER>"


LISTED_PEOPLE: Final = (
    AutotaskContacts,
    AutotaskCustomers,
    BusinessCentralCustomers,
    ConnectWiseContacts,
    ConnectWiseCustomers,
    DolibarrContacts,
    DolibarrCustomers,
    FreshBooksCustomers,
    HaloPsaContacts,
    HaloPsaCustomers,
    InvoiceNinjaCustomers,
    LexwareCustomers,
    NetSuiteCustomers,
    OdooCustomers,
    QuickBooksCustomers,
    SageIntacctCustomers,
    SevDeskContacts,
    SevDeskCustomers,
    StripeCustomers,
    WhmcsCustomers,
    XeroCustomers,
)
"""The presets that list people, each against its system."""
