"""Checks that pages of documents are drawn, in the confined process that draws those of others."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from billhook.portal.documents.renderer import CannotShow, Renderer
from billhook.portal.invoices.plain_pdf import PlainInvoice, draw_plain_invoice
from billhook.server.doctor.finding import Finding, Findings

_PNG: Final = b"\x89PNG\r\n"
_PROGRAM: Final = """
import os
from billhook.engine.isolation.confinement import Fence, confine_this_process
fence = Fence(address_space=1 << 30, cpu_seconds=10)
os.write(1, b"confined" if confine_this_process(fence) else b"limited")
os._exit(0)
"""
_PATIENCE: Final = 30
_SAMPLE: Final = PlainInvoice(
    organisation="Billhook",
    customer="Nobody",
    customer_number="C-1",
    number="SAMPLE",
    issued_on=date(2024, 5, 31),
    due_on=None,
    amount=Decimal("0.00"),
    open_amount=Decimal("0.00"),
    currency="EUR",
    status="Paid",
)


def check_rendering() -> Iterator[Finding]:
    """Draw a page of a sample PDF, and see how the process that draws is confined."""
    findings = Findings(check="pages")
    problem = _draw(findings)
    if problem is not None:
        yield problem
    elif _confinement() == b"confined":
        yield findings.ok("Pages of documents are drawn, in a process that can do nothing else.")
    else:
        yield findings.warning(
            "not-confined",
            "Pages of documents are drawn, but this machine has no seccomp filter for the process "
            "that draws them: only limits of memory, time and files protect it from a hostile "
            "document. Run Billhook on Linux on x86-64 or ARM64, with seccomp allowed in the "
            "container.",
        )


def _draw(findings: Findings) -> Finding | None:
    renderer = Renderer(size=1)
    try:
        image = renderer.page(
            io.BytesIO(draw_plain_invoice(_SAMPLE)), "application/pdf", number=1, width=200
        )
    except (CannotShow, OSError) as error:
        reason = error.reason if isinstance(error, CannotShow) else type(error).__name__
        return findings.broken(
            "cannot-draw",
            f"No page of a sample PDF could be drawn ({reason}), so contacts can only download "
            "documents. Check that this machine has a gigabyte of memory free and lets Billhook "
            "start processes; if that doesn't help, install Billhook again.",
        )
    finally:
        renderer.close()
    if image.startswith(_PNG):
        return None
    return findings.broken("cannot-draw", "A sample PDF was drawn wrongly. Please report it.")


def _confinement() -> bytes:
    done = subprocess.run(  # noqa: S603 - our own program, nothing of a request
        [sys.executable, "-I", "-c", _PROGRAM],
        env={},
        cwd="/",
        capture_output=True,
        check=False,
        timeout=_PATIENCE,
    )
    return done.stdout
