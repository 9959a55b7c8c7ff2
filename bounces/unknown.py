"""Names that nothing reads, as errors. In: names, and those that are known. Out: a sentence for each. Pure.

A misspelt field that is ignored looks like success, and a misspelt filter answers with everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOST_UNKNOWN_NAMED = 20


def unknown_errors(names: Iterable[Any], known: Iterable[str]) -> dict[str, list[str]]:
    """A sentence for each of the first names that nothing reads, and one for all the others: the answer stays small."""
    # A name may hold half of a surrogate pair, which no answer can.
    unknown = sorted(str(name)[:1000].encode("utf-8", "replace").decode() for name in names)
    listed = ", ".join(known)
    errors = {
        name[:100]: [f"There is no “{name[:100]}” here. There are: {listed}."] for name in unknown[:MOST_UNKNOWN_NAMED]
    }
    if len(unknown) > MOST_UNKNOWN_NAMED:
        errors["non_field_errors"] = [f"… and {len(unknown) - MOST_UNKNOWN_NAMED:,} more names that are not here."]
    return errors
