"""The authentication and TLS of an integration in tables, read and written."""

from __future__ import annotations

from typing import Any, Final

from billhook.engine.config import AuthenticationConfig, StepConfig, TlsConfig
from billhook.engine.integration_file.commands import (
    condition_table,
    derives_table,
    read_conditions,
    read_derives,
    read_step,
    step_table,
)
from billhook.engine.integration_file.fields import read_fields, write_fields
from billhook.engine.integration_file.tables import Scalar, Table

_PARTS: Final = ("scheme", "extra", "headers", "request", "requests", "derive", "refused_when")


def read_authentication(table: Table) -> AuthenticationConfig:
    """Read the table ``[authentication]``. Its fields depend on the scheme."""
    scheme = table.required_text("scheme", "basic")
    config = AuthenticationConfig(
        scheme=scheme,
        fields=_read_fields(table, scheme),
        extra=table.text_table("extra"),
        headers=table.pairs("headers"),
        requests=_read_requests(table),
        derive=read_derives(table, "derive"),
        refused_when=read_conditions(table, "refused_when"),
    )
    table.end()
    return config


def _read_requests(table: Table) -> tuple[StepConfig, ...]:
    """Read the one request that opens a session, or the list of several."""
    one = (read_step(table.table("request")),) if table.value("request") is not None else ()
    if one and "requests" in table:
        message = "The requests that open a session are in requests. Move request there."
        table.report("misplaced-key", message, key="request")
    return one + tuple(read_step(each) for each in table.tables("requests"))


def _read_fields(table: Table, scheme: str) -> dict[str, Scalar]:
    """Read the scheme's own fields. Of an unknown scheme, every other key is a field."""
    from billhook.engine.authentication.registry import SCHEMES  # files without it load no scheme

    info = SCHEMES.get(scheme)
    given = [key for key in table if key not in _PARTS]
    known = given if info is None else [field.key for field in info.fields]
    found = {name: table.scalar(name) for name in known}
    return {name: found[name] for name in given if (found.get(name)) is not None}  # type: ignore[misc]


def read_tls(table: Table) -> TlsConfig:
    """Read the table ``[tls]``."""
    config = TlsConfig(**read_fields(TlsConfig, table))
    table.end()
    return config


def authentication_table(config: AuthenticationConfig) -> dict[str, Any]:
    """Return *config* as its table in a file."""
    table: dict[str, Any] = {"scheme": config.scheme, **config.fields}
    if config.extra:
        table["extra"] = dict(config.extra)
    if config.headers:
        table["headers"] = [list(pair) for pair in config.headers]
    if config.refused_when:
        table["refused_when"] = [condition_table(each) for each in config.refused_when]
    if config.derive:
        table["derive"] = derives_table(config.derive)
    steps = [step_table(request) for request in config.requests]
    if steps:
        table |= {"request": steps[0]} if len(steps) == 1 else {"requests": steps}
    return table


def tls_table(config: TlsConfig) -> dict[str, Any]:
    """Return *config* as its table in a file."""
    return write_fields(config)
