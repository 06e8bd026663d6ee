"""Billhook's engine: a command fills a configured web request, sends it and gets the document.

It is a library of its own, and knows no Django, no database and no user. What is named here is
its public face. Each name is imported when it is first used, so that filling a request loads no
network library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from billhook.engine.answer.document import Document
    from billhook.engine.authentication.file_token_store import FileTokenStore
    from billhook.engine.authentication.token_store import (
        IssuedTokens,
        MemoryTokenStore,
        TokenStore,
    )
    from billhook.engine.command.command import Command
    from billhook.engine.command.compile import compile_command
    from billhook.engine.command.preview import MaskedRequest
    from billhook.engine.command.step import Step
    from billhook.engine.config import (
        AuthenticationConfig,
        CommandConfig,
        IntegrationConfig,
        StepConfig,
    )
    from billhook.engine.egress.policy import Allowance, EgressPolicy
    from billhook.engine.egress.url import Origin
    from billhook.engine.errors import (
        BillhookError,
        ConfigurationError,
        DocumentNotFound,
        EgressDenied,
        Problem,
        SourceError,
        TokenError,
    )
    from billhook.engine.http.request import Limits, WebRequest
    from billhook.engine.http.trace import Trace
    from billhook.engine.http.transport import HttpTransport
    from billhook.engine.integration import (
        CompiledIntegration,
        compile_integration,
        open_source,
    )
    from billhook.engine.integration_file.file import read_integration, write_integration
    from billhook.engine.run import run_command
    from billhook.engine.secret import MASK, Secret
    from billhook.engine.source import Source
    from billhook.engine.tokens.values import Values
    from billhook.engine.verdict import Verdict

__all__ = [
    "MASK",
    "Allowance",
    "AuthenticationConfig",
    "BillhookError",
    "Command",
    "CommandConfig",
    "CompiledIntegration",
    "ConfigurationError",
    "Document",
    "DocumentNotFound",
    "EgressDenied",
    "EgressPolicy",
    "FileTokenStore",
    "HttpTransport",
    "IntegrationConfig",
    "IssuedTokens",
    "Limits",
    "MaskedRequest",
    "MemoryTokenStore",
    "Origin",
    "Problem",
    "Secret",
    "Source",
    "SourceError",
    "Step",
    "StepConfig",
    "TokenError",
    "TokenStore",
    "Trace",
    "Values",
    "Verdict",
    "WebRequest",
    "compile_command",
    "compile_integration",
    "open_source",
    "read_integration",
    "run_command",
    "write_integration",
]

_HOMES: Final = {
    "answer.document": ("Document",),
    "command.command": ("Command",),
    "command.preview": ("MaskedRequest",),
    "command.step": ("Step",),
    "command.compile": ("compile_command",),
    "config": ("AuthenticationConfig", "CommandConfig", "IntegrationConfig", "StepConfig"),
    "egress.policy": ("Allowance", "EgressPolicy"),
    "errors": (
        "BillhookError",
        "ConfigurationError",
        "DocumentNotFound",
        "EgressDenied",
        "Problem",
        "SourceError",
        "TokenError",
    ),
    "integration_file.file": ("read_integration", "write_integration"),
    "run": ("run_command",),
    "secret": ("MASK", "Secret"),
    "authentication.file_token_store": ("FileTokenStore",),
    "authentication.token_store": ("MemoryTokenStore", "TokenStore", "IssuedTokens"),
    "integration": ("CompiledIntegration", "compile_integration", "open_source"),
    "source": ("Source",),
    "egress.url": ("Origin",),
    "http.request": ("Limits", "WebRequest"),
    "tokens.values": ("Values",),
    "http.trace": ("Trace",),
    "http.transport": ("HttpTransport",),
    "verdict": ("Verdict",),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import *name* from its module (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
