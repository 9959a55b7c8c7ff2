"""How often letters stand in search documents: by the sample that PostgreSQL keeps of them for its planner.

In: words as documents hold them. Out: the share of documents that hold all of them, and the rarest threes of letters of
a word. The trigram index reads a list of documents for each three that it is asked for: of “.example” each list is
half the table, and three rare ones say as much as thirty. Read again by each process every ten minutes; of a table that
was never analysed, or is small, there is no sample.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

FRESH = 600.0  # seconds
LARGE = 50_000  # contacts: below, the whole index is read in a millisecond
LETTERS = re.compile(r"[a-z0-9]{3,}")
SAMPLE = """
SELECT histogram_bounds::text::text[]
  FROM pg_stats JOIN pg_class AS class ON class.oid = 'contacts_contact'::regclass
 WHERE schemaname = class.relnamespace::regnamespace::text AND tablename = 'contacts_contact'
   AND attname = 'document' AND class.reltuples >= %s
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """`threes`: in how many of the documents each three of letters stands."""

    documents: list[str] = field(default_factory=list)
    threes: Counter[str] = field(default_factory=Counter)

    def share_of(self, words: Iterable[str]) -> float:
        """Of all documents; 0 where none of the sample holds them all."""
        wanted = list(words)
        return sum(all(word in document for word in wanted) for document in self.documents) / len(self.documents)

    def rarest(self, word: str, most: int) -> list[str]:
        """The threes of a word that fewest documents hold."""
        return sorted(_threes(word), key=lambda three: (self.threes[three], three))[:most]


_kept: dict[str, tuple[float, Sample | None]] = {}


def sample() -> Sample | None:
    """None where there is none."""
    name = str(connection.settings_dict["NAME"])
    read_at, kept = _kept.get(name, (0.0, None))
    if name not in _kept or time.monotonic() - read_at > FRESH:
        kept = _read()
        _kept[name] = (time.monotonic(), kept)
    return kept


def forget_sample() -> None:
    _kept.clear()


def _read() -> Sample | None:
    with connection.cursor() as cursor:
        cursor.execute(SAMPLE, [LARGE])
        found = cursor.fetchone()
    if not found or not found[0]:
        return None
    threes: Counter[str] = Counter()
    for document in found[0]:
        threes.update(_threes(document))
    return Sample(found[0], threes)


def _threes(text: str) -> set[str]:
    return {run[at : at + 3] for run in LETTERS.findall(text) for at in range(len(run) - 2)}
