"""Sign-in and TLS from the rows of a form to what the engine compiles, and back."""

from __future__ import annotations

from typing import Final

from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import Scheme
from billhook.engine.config import AuthenticationConfig, StepConfig, TlsConfig
from billhook.engine.field import FieldInfo
from billhook.portal.editor.form_rows import AuthenticationRow, StepRow, TlsRow, VariableRow
from billhook.portal.editor.row_configs import (
    condition_rows,
    conditions_of,
    header_rows,
    number_of,
    pairs_of,
    step_config,
    step_row,
    words_of,
)

YES: Final = "yes"
NO: Final = "no"
Typed = str | bool | float
_NO_NUMBER: Final = -1.0


def authentication_config(row: AuthenticationRow) -> AuthenticationConfig | None:
    """Return how requests are signed in; None where no scheme was chosen."""
    if not row.scheme:
        return None
    info = SCHEMES.get(row.scheme)
    parts = info.parts if info else ()
    return AuthenticationConfig(
        scheme=row.scheme,
        fields=_fields(row, info) if info else {},
        extra={each.name: each.value for each in row.extra if not each.is_untouched}
        if "extra" in parts
        else {},
        headers=pairs_of(row.headers) if "headers" in parts else (),
        request=_request(row.request) if "request" in parts else None,
        refused_when=conditions_of(row.refused) if "refused_when" in parts else (),
    )


def _request(row: StepRow) -> StepConfig | None:
    return None if row.is_untouched else step_config(row)


def _fields(row: AuthenticationRow, info: Scheme) -> dict[str, Typed]:
    stated = words_of(row.stated)
    order = [name for name in stated if info.field(name)]
    order += [each.key for each in info.fields if each.key not in order]
    fields = [each for name in order if (each := info.field(name)) is not None]
    return {
        each.key: _value(each, text)
        for each in fields
        if each.key in stated or text_of_field(row, each) != _default_text(each)
        for text in (text_of_field(row, each),)
    }


def text_of_field(row: AuthenticationRow, info: FieldInfo) -> str:
    """Return what stands in the field *info* of *row*: as by default, unless something else."""
    return row.field.get(info.key, _default_text(info))


def _default_text(info: FieldInfo) -> str:
    if isinstance(info.default, bool):
        return YES if info.default else NO
    return str(info.default)


def _value(info: FieldInfo, text: str) -> Typed:
    if info.kind == "boolean":
        return text == YES
    if info.kind == "seconds" and text.strip():
        number = number_of(text, otherwise=_NO_NUMBER)
        return int(number) if number.is_integer() else number
    return text


def _text(value: Typed) -> str:
    if isinstance(value, bool):
        return YES if value else NO
    return value if isinstance(value, str) else str(value)


def authentication_row(config: AuthenticationConfig | None) -> AuthenticationRow:
    """Return the fields for *config*, as far as they can hold it."""
    if config is None:
        return AuthenticationRow()
    return AuthenticationRow(
        scheme=config.scheme,
        field={name: _text(value) for name, value in config.fields.items()},
        stated=" ".join(config.fields),
        extra=[VariableRow(name=name, value=text) for name, text in config.extra.items()],
        headers=header_rows(config.headers),
        refused=condition_rows(config.refused_when),
        request=step_row(config.request) if config.request else StepRow(),
    )


def tls_config(row: TlsRow) -> TlsConfig | None:
    """Return the TLS settings; None where nothing was typed."""
    if not (row.client_certificate or row.ca.strip()):
        return None
    return TlsConfig(client_certificate=row.client_certificate, ca=row.ca)


def tls_row(config: TlsConfig | None) -> TlsRow:
    """Return the fields for *config*."""
    if config is None:
        return TlsRow()
    return TlsRow(client_certificate=config.client_certificate, ca=config.ca)
