"""The commands for people print one object with --json, and sentences without."""

from __future__ import annotations

from pathlib import Path

from cli.operator import Installation
from portal.smtp_server import smtp_server


def test_an_owner_is_added_gets_a_password_and_is_disabled(installation: Installation) -> None:
    added = installation.json("members", "add", "bea@acme.example", "--role", "owner")
    assert added["member"] | {"last_sign_in": None} == {
        "organisation": "Acme",
        "email": "bea@acme.example",
        "name": "",
        "role": "owner",
        "active": True,
        "password": False,
        "last_sign_in": None,
    }
    changed = installation.json(
        "members", "password", "bea@acme.example", "--password", "stdin", stdin="a long password\n"
    )
    assert changed == {"ok": True, "sessions_ended": 0}
    done = installation.run("members", "disable", "bea@acme.example")
    assert done.stdout.startswith("bea@acme.example can't sign in any more.")
    table = installation.run("members", "list").stdout.splitlines()
    assert table[0].split()[:4] == ["organisation", "email", "name", "role"]
    assert any("bea@acme.example" in line and " no " in line for line in table)


def test_a_password_is_never_an_argument(installation: Installation) -> None:
    refused = installation.refused(
        "members", "password", "owner@acme.example", "--password", "hunter2hunter2"
    )
    assert refused["where"] == "--password"
    assert "hunter2" not in str(refused)


def test_without_a_terminal_a_password_is_not_asked_for(installation: Installation) -> None:
    refused = installation.refused("members", "password", "owner@acme.example")
    assert refused["code"] == "no-terminal"


def test_an_unknown_role_is_refused_with_a_list_of_the_known_ones(
    installation: Installation,
) -> None:
    refused = installation.refused("members", "role", "owner@acme.example", "king")
    assert "'owner', 'editor', 'viewer'" in refused["message"]


def test_an_organisation_is_added_and_listed(installation: Installation) -> None:
    installation.json("organisations", "add", "Bolt", "--owner", "bo@bolt.example")
    listed = installation.json("organisations", "list")["organisations"]
    assert [(each["name"], each["members"]) for each in listed] == [("Acme", 1), ("Bolt", 1)]


def test_contacts_are_imported_from_a_file(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text("customer,e-mail,company\nC-9,dana@acme.example,Acme\nC-9,nobody,\n")
    refused = installation.refused("contacts", "import", file)
    assert [problem["line"] for problem in refused["problems"]] == [3]
    done = installation.json("contacts", "import", file, "--skip")
    assert done["contacts"] == {"new": 1, "known": 0, "new_customers": 1}
    assert done["left_out"][0]["line"] == 3
    gone = installation.refused("contacts", "import", tmp_path / "gone.csv")
    assert gone["code"] == "file-not-found"


def test_sessions_end_for_one_person_or_everyone_but_never_by_accident(
    installation: Installation,
) -> None:
    assert installation.json("sessions", "end", "--all") == {"ok": True, "sessions_ended": 3}
    assert installation.refused("sessions", "end")["code"] == "usage"
    both = installation.refused("sessions", "end", "owner@acme.example", "--all")
    assert both["code"] == "usage"


def test_a_test_mail_is_sent_or_the_reason_is_shown(installation: Installation) -> None:
    assert installation.refused("mail", "test", "me@acme.example")["code"] == "mail-not-set"
    with smtp_server() as server:
        url = {"BILLHOOK_EMAIL_URL": f"smtp+plain://127.0.0.1:{server.port}"}
        sent = installation.json("mail", "test", "me@acme.example", **url)
        bad = installation.refused("mail", "test", "me@acme", **url)
    assert sent == {"ok": True, "mail": {"to": "me@acme.example"}}
    assert "To: me@acme.example" in server.mails[0]
    assert bad["code"] == "invalid-address"
    with smtp_server(RCPT="550 no") as server:
        url = {"BILLHOOK_EMAIL_URL": f"smtp+plain://127.0.0.1:{server.port}"}
        refused = installation.refused("mail", "test", "me@acme.example", **url)
    assert refused["code"] == "mail-recipient-refused"


def test_a_known_member_or_organisation_is_refused_with_the_next_step(
    installation: Installation,
) -> None:
    member = installation.refused("members", "add", "owner@acme.example", "--role", "viewer")
    assert "`billhook members role` changes their role." in member["message"]
    same = installation.refused("organisations", "add", "ACME", "--owner", "bo@bolt.example")
    assert same["message"] == "There is an organisation Acme already."


def test_tables_and_counts_read_as_people_write_them(
    installation: Installation, tmp_path: Path
) -> None:
    heading = installation.run("members", "list").stdout.splitlines()[0]
    assert heading.endswith("last sign in")
    file = tmp_path / "contacts.csv"
    file.write_text("customer,e-mail,company\nC-9,dana@acme.example,Acme\n")
    done = installation.run("contacts", "import", file)
    assert done.stdout == "Imported: 1 new contact, 0 known, 1 new customer.\n"
    file.write_text("customer,e-mail,name,name\n")
    twice = installation.refused("contacts", "import", file)
    assert twice["message"] == "Two columns have the same meaning: Contact name. Keep only one."
