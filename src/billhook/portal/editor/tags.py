"""Template tags of the editor: one input, drawn by its description."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from billhook.portal.editor.row_views import Input

register = template.Library()


@register.inclusion_tag("backoffice/integrations/parts/field.html")
def field(shown: Input, **options: Any) -> dict[str, Any]:
    """Draw an input with its label, its hint and its problems.

    *options* are ``label``, ``help`` and ``placeholder`` in place of those of the description, and
    ``css``, ``tokens``, ``rows``, ``data``, ``optional``, ``is_label_hidden`` and ``is_prose``.
    """
    info = shown.info
    defaults = {"label": info.label, "help": info.help, "placeholder": info.example}
    return {"input": shown, **defaults, **options}


@register.filter
def with_code(text: str) -> SafeString:
    """Return *text* with its parts between backticks as code."""
    parts = [str(escape(part)) for part in text.split("`")]
    marked = [f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts)]
    return mark_safe("".join(marked))  # noqa: S308 - every part was escaped above
