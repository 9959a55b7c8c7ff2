"""A full name in one cell -> first and last name. In: text. Out: a pair. Pure.

“Last, First” by its comma; a surname in capitals by those; a particle (de, von, van der, al) begins the last name;
else the last word is the last name and all before it are first names. One word alone is a first name, behind a title a
last name. Titles are left out, Jr. and III stay with the last name. Names without blanks (王小明) are not taken apart.
"""

from __future__ import annotations

_PARTICLES = """
de da do dos das del della delle dei di du des la le las los van von der den dem zu zum zur ter ten te vom af
av bin ibn bint ben al el abu st san santa santo y e d' mac mc ap ó o'
"""
PARTICLES = frozenset(_PARTICLES.split())
_TITLES = """
mr mrs ms miss mx dr prof professor sir dame rev herr frau hr fr dipl ing mag m mme mlle maître me sr sra srta
don doña dott dottssa sig sigra ingg arch avv dhr mevr drs ir pan pani mgr г-н г-жа
"""
TITLES = frozenset(_TITLES.split())
_SUFFIXES = """
jr sr ii iii iv v phd md mba esq cpa dds jd rn pe msc bsc ma ba
"""
SUFFIXES = frozenset(_SUFFIXES.split())
KEPT_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "v"])


def split_name(text: str) -> tuple[str, str]:
    """First and last name; either may be empty."""
    words = text.split()
    before, comma, behind = " ".join(words).partition(",")
    if comma and behind.strip() and not _are_suffixes(behind):
        last, first = (
            before.split(),
            [word for word in behind.replace(",", " ").split() if _plain(word) not in SUFFIXES],
        )
        return " ".join(_without_titles(first)), " ".join(_without_titles(last))
    given = [word.strip(",") for word in words]
    words = _without_titles(given)
    end = len(words)
    while end > 2 and _plain(words[end - 1]) in SUFFIXES:
        end -= 1
    kept = [word for word in words[end:] if _plain(word) in KEPT_SUFFIXES]
    words = words[:end]
    if len(words) < 2:
        return ("", words[0]) if len(given) > 1 and words[:1] != given[:1] else (" ".join(words), "")
    first, last = _parted(words)
    return " ".join(first), " ".join([*last, *kept])


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    capitals = [word for word in words if len(word) > 2 and word.isupper()]
    if capitals and len(capitals) < len(words):
        if words[0] in capitals:  # DUPONT Jean
            at = next(at for at, word in enumerate(words) if word not in capitals)
            return words[at:], words[:at]
        at = words.index(capitals[0])
        return words[:at], words[at:]
    at = next((at for at, word in enumerate(words[1:-1], start=1) if word.lower() in PARTICLES), len(words) - 1)
    return words[:at], words[at:]


def _without_titles(words: list[str]) -> list[str]:
    at = 0
    while at < len(words) - 1 and _is_title(words[at]):
        at += 1
    return words[at:]


def _is_title(word: str) -> bool:
    """With its dot, or one that is no name: “M. Dupont” has one, “M Dupont” may be an initial."""
    plain = _plain(word)
    return plain in TITLES and (word.endswith(".") or len(plain) > 2 or plain in ("mr", "ms", "dr", "mx"))


def _are_suffixes(text: str) -> bool:
    return all(_plain(word) in SUFFIXES for word in text.replace(",", " ").split())


def _plain(word: str) -> str:
    return word.lower().strip(".,").replace(".", "")
