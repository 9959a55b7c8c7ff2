"""How hard a secret is to guess. In: its text. Out: an estimate in bits, never more than the text can hold.

Counts what simple guessers exploit: few different characters, steady steps ("abcd…"), repetition. A phrase of words
is overestimated; nothing that is random is underestimated enough to matter.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import pairwise
from math import log2

ENOUGH = 140  # bits of a key; random ones of 50 characters have more, whatever their alphabet
ENOUGH_TO_SIGN = 64  # bits of a secret of 32 characters or more


def bits_of(secret: str) -> float:
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    packed = zlib.compress(secret.encode(), level=9, wbits=-15)
    return min(_shannon(secret), _shannon(steps), 8.0 * len(packed))


def _shannon(symbols: Sequence[Hashable]) -> float:
    """Of the whole text, by how often each symbol comes."""
    total = len(symbols)
    return sum(-number * log2(number / total) for number in Counter(symbols).values())
