"""What an address is by its name alone: at a disposable domain, at a free provider, or a desk's.

In: a normalised address or domain, or a column in SQL. Out: yes or no. One copy for imports, `check` and filters.
Sources: the package disposable-email-domains (10,000 domains; a subdomain of one is one too); RFC 2142 (role accounts).
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from disposable_email_domains import blocklist
from django.db.models import Lookup, TextField

ROLE_LOCAL_PARTS = frozenset(
    """
    abuse accounts admin administrator billing careers contact enquiries ftp help helpdesk hello hostmaster hr info
    inquiries jobs list list-request marketing news no-reply noc noreply office orders postmaster press root sales
    security service spam support team usenet uucp webmaster www
    """.split()  # noqa: SIM905  (a list of forty literals is forty lines)
)
ROLE_PATTERN = "^(" + "|".join(sorted(ROLE_LOCAL_PARTS)) + ")@"
FREE_DOMAINS = frozenset(
    """
    gmail.com googlemail.com yahoo.com yahoo.co.uk ymail.com hotmail.com hotmail.co.uk outlook.com live.com
    msn.com icloud.com me.com mac.com aol.com gmx.de gmx.net gmx.com web.de t-online.de freenet.de orange.fr
    wanadoo.fr laposte.net free.fr libero.it virgilio.it mail.ru yandex.ru bk.ru inbox.ru qq.com 163.com 126.com
    sina.com naver.com daum.net proton.me protonmail.com zoho.com mail.com seznam.cz wp.pl o2.pl interia.pl
    uol.com.br bol.com.br
    """.split()  # noqa: SIM905  (a list of fifty literals is fifty lines)
)


@cache
def disposable_domains() -> frozenset[str]:
    """As A-labels, as addresses are kept."""
    return frozenset(name.lower().encode("idna").decode() if not name.isascii() else name.lower() for name in blocklist)


@cache
def disposable_keys() -> str:
    """The same as the parameter that `is_at_disposable_domain` asks for: the keys of a JSON object."""
    return json.dumps(dict.fromkeys(sorted(disposable_domains()), 1), separators=(",", ":"))


def is_role_account(email: str) -> bool:
    """Whether the address is a desk's rather than a person's."""
    return email.rpartition("@")[0] in ROLE_LOCAL_PARTS


def disposable_domain_of(email: str) -> str:
    """The disposable domain that the address, or domain, is at or below; empty where it is none."""
    labels = email.rpartition("@")[2].split(".")
    endings = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((ending for ending in endings if ending in disposable_domains()), "")


LONGEST = 4  # labels of a listed domain, which a test holds


def is_at_disposable_domain(domain: str) -> str:
    """Whether a column holds such a domain. Asks for `%(disposable)s`.

    The keys of a JSON object are sorted, so that a name is found in it by halves: 1 µs a row, and the planner does not
    estimate 10,000 names. Most domains have two labels: their endings are not looked at.
    """
    parts = [f"split_part({domain}, '.', -{place})" for place in range(LONGEST, 0, -1)]
    endings = ", ".join(" || '.' || ".join(parts[-labels:]) for labels in range(2, LONGEST + 1))
    names = f"CASE WHEN {domain} LIKE '%%.%%.%%' THEN ARRAY[{endings}] ELSE ARRAY[{domain}] END"
    return f"(%(disposable)s::jsonb ?| {names})"


@TextField.register_lookup
class AtDisposableDomain(Lookup):
    """`Q(domain__is_disposable=True)`: the same for querysets."""

    lookup_name = "is_disposable"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, _ = self.process_lhs(compiler, connection)
        sql = is_at_disposable_domain(column)
        return ("" if self.rhs else "NOT ") + sql.replace("%(disposable)s", "%s"), (disposable_keys(),)
