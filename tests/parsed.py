"""Reads Python for tests that look at code."""

from __future__ import annotations

import ast


def parsed(source: str) -> ast.Module:
    """Return the tree of *source*.

    Python 3.11 counts wrongly, and says so with a SystemError, where another thread makes a tree
    at the same moment (python/cpython#106905). Then it is asked again.
    """
    try:
        return ast.parse(source)
    except SystemError:
        return ast.parse(source)
