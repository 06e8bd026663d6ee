"""A place in a JSON body where a value is set: ``$.filter.since`` or ``$['params'][0]``."""

from __future__ import annotations

import re
from typing import Any, Final

_PART: Final = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(?:'([^']*)'|"([^"]*)"|([0-9]{1,4}))\]""")

Keys = tuple[str | int, ...]


def read_json_place(text: str) -> Keys | None:
    """Return the keys of a plain path, or None if it isn't one."""
    if not text.startswith("$") or len(text) == 1:
        return None
    keys: list[str | int] = []
    position = 1
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            return None
        name = next((each for each in match.groups()[:3] if each is not None), None)
        keys.append(int(match[4]) if name is None else name)
        position = match.end()
    return tuple(keys)


def set_json_value(document: Any, keys: Keys, value: Any) -> bool:
    """Set *value* at *keys*, making objects on the way; return False where that isn't possible."""
    for index, key in enumerate(keys):
        is_last = index == len(keys) - 1
        if isinstance(key, str) and isinstance(document, dict):
            if is_last:
                document[key] = value
            else:
                document = document.setdefault(key, {})
        elif isinstance(key, int) and isinstance(document, list) and key < len(document):
            if is_last:
                document[key] = value
            else:
                document = document[key]
        else:
            return False
    return True
