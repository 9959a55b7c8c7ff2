"""Lists as the APIs of providers answer them: JSON, as rows of cells.

In: bytes. Out: a row of column names, then a row an object; of a list of texts a row a text. Never raises for what is
in it: what is no list of objects has no rows. What an object holds within another one has both names
(`reason code`), so that a column can be found by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import re2

DEEPEST = 3  # where the list may be: {"data": {"items": [...]}}
MOST_COLUMNS = 100
SAMPLED = 200
NAMES_ADDRESS = re2.compile(
    rb'^\s*(?:\[\s*"[^"\s]+@|'
    rb'[\[{](?s:.)*?"[A-Za-z_]*(?i:mail|address|recipient)[A-Za-z_]*"\s*:\s*"[^"\s]+@)'
)


def begins_json(head: bytes) -> bool:
    """Whether it is JSON that names an address, by its beginning."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text[:1] in (b"{", b"[") and bool(NAMES_ADDRESS.search(text))


def rows_of_json(body: bytes) -> Iterator[list[str]]:
    found = _list_in(_values_of(body))
    if found and all(isinstance(each, str) for each in found):
        yield from ([each] for each in found)
        return
    objects = [_flat(each) for each in found if isinstance(each, dict)]
    names = list(dict.fromkeys(name for each in objects[:SAMPLED] for name in each))[:MOST_COLUMNS]
    if names:
        yield names
        yield from ([each.get(name, "") for name in names] for each in objects)


def _values_of(body: bytes) -> Any:
    """One value, or one a line."""
    text = body.decode("utf-8-sig", "replace")
    try:
        return json.loads(text)
    except RecursionError:
        return None
    except ValueError:
        return [value for line in text.splitlines() if (value := _value_of(line)) is not None]


def _value_of(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _list_in(value: Any, depth: int = 0) -> Sequence[Any]:
    """The first list of objects or texts; an object that holds none stands for itself."""
    if isinstance(value, list):
        inner = next((each for each in value if isinstance(each, dict) and _holds_list(each)), None)
        return value if inner is None or depth else [each for one in value for each in _list_in(one, depth + 1)]
    if not isinstance(value, dict) or depth > DEEPEST:
        return []
    for each in value.values():
        if isinstance(each, list) and each and isinstance(each[0], dict | str):
            return each
    return next((found for each in value.values() if (found := _list_in(each, depth + 1))), [value])


def _holds_list(value: dict[str, Any]) -> bool:
    return any(isinstance(each, list) and each and isinstance(each[0], dict) for each in value.values())


def _flat(value: dict[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, each in value.items():
        name = f"{before} {key}".strip()[:100]
        if isinstance(each, dict) and not before:
            found |= _flat(each, name)
        else:
            found[name] = _text_of(each)
    return found


def _text_of(value: Any) -> str:
    if value is None or value == {} or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value[:20])
    return str(value).replace("\0", "")
