"""How an address may stand in a text: as it is, percent-encoded, escaped by JSON or HTML, within a return path.

In: addresses, and file names that hold one. Out: one regular expression for PostgreSQL, and the same question in
Python. Pure. The address is looked for as a whole, never as the end or the beginning of a longer one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import quote

AT = r"(?:[@=]|=40|%(?:25)*40|\\u0040|&#(?:64|x40);)"
# Nothing that belongs to a longer local part stands before it: or only the end of an escape, which ends in a letter.
BEFORE = r"(?:(?<![\w.+-])|(?<=%[0-9a-f]{2})|(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4}))"
# Nothing of a longer domain behind it; but `ada@b.example.csv` is a file.
FILES = "csv|eml|gz|html?|json|mbox|msg|ndjson|ods|pdf|tsv|txt|vcf|xlsx?|xml|zip"
AFTER = rf"(?![[:alnum:]-]|\.(?!(?:{FILES})(?![[:alnum:]-]|\.[[:alnum:]]))[[:alnum:]])"
# The same in Python, each asked of the few characters around a place that was found: no text from outside is searched.
IS_AT = re.compile(AT)
ENDS_BEFORE = re.compile(r"(?:^|[^\w.+-]|%[0-9a-f]{2}|\\[bfnrt]|\\u[0-9a-f]{4})$")
LONGEST_ESCAPE = 6
BEGINS_AFTER = re.compile(rf"(?![^\W_]|-|\.(?!(?:{FILES})(?![^\W_]|-|\.[^\W_]))[^\W_])")
MOST_NAMES = 500
MOST_OF_DOMAIN = 1100  # as long as a domain gets percent-encoded, and what follows it


class Traces:
    """Looks for some addresses, and for texts that go with them whole."""

    def __init__(self, emails: Iterable[str], names: Iterable[str] = ()) -> None:
        self.emails = sorted({email.lower() for email in emails})
        self.names = sorted(set(names), key=len, reverse=True)[:MOST_NAMES]

    def with_names(self, names: Iterable[str]) -> Traces:
        return Traces(self.emails, [*self.names, *names])

    @property
    def pattern(self) -> str:
        """For `~*` and `regexp_replace` of PostgreSQL."""
        if not self.emails:
            raise ValueError("Nothing to look for: an empty pattern would match every text.")
        return "|".join([*map(re.escape, self.names), *map(_pattern_of, self.emails)])

    @property
    def hints(self) -> list[str]:
        """For `ILIKE ANY`: one of them matches wherever the pattern does, at a fraction of its cost."""
        found = {form for email in self.emails for form in _forms(email.rpartition("@")[0])}
        return [f"%{_escape_like(text)}%" for text in sorted(found | set(self.names))]

    @property
    def parameters(self) -> dict[str, str | list[str]]:
        """What SQL asks with."""
        return {"pattern": self.pattern, "hints": self.hints, "emails": self.emails}

    def occurs_in(self, text: str) -> bool:
        """The same in Python, of one text; linear in its length."""
        lower = text.lower()
        return any(name.lower() in lower for name in self.names) or any(_occurs(each, lower) for each in self.emails)


def _pattern_of(email: str) -> str:
    local, _, domain = email.rpartition("@")
    return f"{BEFORE}(?:{_any_of(local)}){AT}(?:{_any_of(domain)}){AFTER}"


def _any_of(text: str) -> str:
    return "|".join(re.escape(form) for form in _forms(text))


def _forms(text: str) -> list[str]:
    """A part of an address as it is, and as JSON, a URL or a browser writes it."""
    found = {text, json.dumps(text)[1:-1], quote(text, safe=""), quote(quote(text, safe=""))}
    if "xn--" in text:
        with suppress(UnicodeError):  # a name that nobody can be shown
            found.add(text.encode().decode("idna"))
    return sorted(form.lower() for form in found)


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")


def _occurs(email: str, text: str) -> bool:
    local, _, domain = email.rpartition("@")
    for form in _forms(local):
        start = text.find(form)
        while start >= 0:
            at = IS_AT.match(text, start + len(form))
            begins = at and ENDS_BEFORE.search(text[max(0, start - LONGEST_ESCAPE) : start])
            if at and begins and _has_domain(text[at.end() : at.end() + MOST_OF_DOMAIN], domain):
                return True
            start = text.find(form, start + 1)
    return False


def _has_domain(text: str, domain: str) -> bool:
    return any(text.startswith(form) and BEGINS_AFTER.match(text, len(form)) for form in _forms(domain))
