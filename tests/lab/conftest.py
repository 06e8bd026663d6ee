"""The stand-ins' own facts assert in plain words, as tests do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("lab.world", "lab.systems")
