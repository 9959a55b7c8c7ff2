"""Hash a contact's facts into keys: two contacts that share a key are compared. Pure.

In: a contact's facts. Out: 64-bit numbers whose lowest three bits are the kind of key. Keys of the first letters of a
word find nicknames, typos and swapped names within one company or domain.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from contacts.duplicates.facts import Facts
from contacts.duplicates.names import RULES, groups_of, spelled

KINDS = ("address", "phone", "name_and_company", "name", "company", "domain")
LARGEST: list[int] = [RULES["largest_group"][kind] for kind in KINDS]
LABELS = {
    "address": "the same address",
    "phone": "the same phone number",
    "name_and_company": "the same name and company",
    "name": "the same name",
    "company": "similar names at one company",
    "domain": "similar names at one domain",
}
KIND_BITS = 3
LETTERS = 2


def keys_of(facts: Facts) -> list[int]:
    return sorted({_hashed(KINDS.index(kind), parts) for kind, parts in _parts(facts)})


def kind_of(key: int) -> str:
    return KINDS[key & (2**KIND_BITS - 1)]


def _parts(facts: Facts) -> Iterator[tuple[str, tuple[str, ...]]]:
    for mailbox in facts.mailboxes - facts.desks:
        yield "address", (mailbox,)
    if facts.compared_phone:
        yield "phone", (facts.compared_phone,)
    words = facts.name.sorted_words
    if len(words) > 1:
        yield "name", words
    starts = {word[:LETTERS] for word in words if len(word) >= LETTERS}
    if facts.company:
        yield "name_and_company", (facts.company, *words)
        for group in groups_of(facts.name.first[0]) if facts.name.first and facts.name.last else ():
            yield "name_and_company", (facts.company, str(group), *map(spelled, facts.name.last))
        for start in starts:
            yield "company", (facts.company, start)
    for domain in facts.domains:
        for start in starts:
            yield "domain", (domain, start)


def _hashed(kind: int, parts: tuple[str, ...]) -> int:
    digest = blake2b("\0".join(parts).encode(), digest_size=8, person=bytes([kind])).digest()
    return int.from_bytes(digest, signed=True) >> KIND_BITS << KIND_BITS | kind
