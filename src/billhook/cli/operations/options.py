"""The options that every command for operators has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def operator_options(function: _Function) -> _Function:
    """Add ``--data-dir`` and ``--json``, which a command takes as *data_dir* and *as_json*."""
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--data-dir", type=click.Path(path_type=Path), help="As BILLHOOK_DATA_DIR."),
    ):
        function = decorate(function)
    return function
