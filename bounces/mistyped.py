"""Domains that look like slips of the finger: gmial.com, hotmail.con. In: a domain. Out: what is probably meant.

A domain is one slip (Damerau: a letter too many, too few, wrong, or two swapped) from a large mail provider's name, or
its ending exists nowhere and is one slip from a usual one. Of names shorter than SHORTEST only the ending is looked at:
“aon.com” is a company, not “aol.com”. It is a question to ask, never an answer to apply. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
SHORTEST = 5  # letters of a provider's name, without its ending
# The largest providers of mailboxes for people, by name and endings.
PROVIDERS = {
    "gmail": "com", "googlemail": "com", "yahoo": "com co.uk fr de it es ca co.in com.br co.jp", "ymail": "com",
    "rocketmail": "com", "hotmail": "com co.uk fr de it es", "outlook": "com de fr es it", "live": "com co.uk fr nl",
    "msn": "com", "icloud": "com", "me": "com", "mac": "com", "aol": "com de co.uk", "gmx": "de net at ch com",
    "web": "de", "t-online": "de", "freenet": "de", "arcor": "de", "posteo": "de", "mailbox": "org", "orange": "fr",
    "wanadoo": "fr", "laposte": "net", "free": "fr", "sfr": "fr", "libero": "it", "virgilio": "it", "tiscali": "it",
    "alice": "it", "mail": "ru com", "yandex": "ru com", "rambler": "ru", "inbox": "ru", "list": "ru", "bk": "ru",
    "qq": "com", "163": "com", "126": "com", "sina": "com", "foxmail": "com", "naver": "com", "daum": "net",
    "hanmail": "net", "proton": "me", "protonmail": "com", "pm": "me", "zoho": "com", "fastmail": "com",
    "tutanota": "com", "hey": "com", "seznam": "cz", "centrum": "cz", "wp": "pl", "o2": "pl", "onet": "pl",
    "interia": "pl", "uol": "com.br", "bol": "com.br", "terra": "com.br", "comcast": "net", "verizon": "net",
    "att": "net", "sbcglobal": "net", "bellsouth": "net", "cox": "net", "charter": "net", "earthlink": "net",
    "btinternet": "com", "virginmedia": "com", "bluewin": "ch", "telenet": "be", "skynet": "be", "ziggo": "nl",
    "rediffmail": "com", "bigpond": "com", "shaw": "ca", "rogers": "com", "sympatico": "ca",
}  # fmt: skip
# Names of somebody else's that are one slip from a provider's.
OTHERS = frozenset(
    """
    email.com hmail.com fmail.com zmail.com vmail.com tmail.com qmail.com cmail.com cloud.com libera.it libra.it
    chapter.net charger.net never.com waver.com raver.com grange.fr orage.fr range.fr malice.it police.it slice.it
    boxmail.com posten.de skyne.be roger.ca roberts.ca sky.net
    """.split()  # noqa: SIM905 -- a list of thirty literals is thirty lines
)
# Endings that exist nowhere, by what is meant.
ENDINGS = {
    **dict.fromkeys(["con", "cmo", "ocm", "vom", "xom", "comm", "coom", "ccom", "cim", "cpm", "clm"], "com"),
    **dict.fromkeys(["comn", "coml"], "com"),
    **dict.fromkeys(["nte", "ent", "ner", "nett", "nrt", "neet"], "net"),
    **dict.fromkeys(["ogr", "rog", "orgg", "orh", "prg"], "org"),
    **dict.fromkeys(["ed", "dee", "dde"], "de"),
    "rf": "fr", "frr": "fr", "ti": "it", "cu.uk": "co.uk", "co.ku": "co.uk", "couk": "co.uk",
}  # fmt: skip
LAST_LABELS = frozenset(ending.rpartition(".")[2] for ending in ENDINGS)
# Endings that exist, and are a slip behind a provider's long name: most lead to somebody who collects slips.
OF_PROVIDERS = {"com": ("co", "cm", "om"), "net": ("ne",), "co.uk": ("co.u",)}


def meant_by(domain: str) -> str:
    """What `domain` probably is a slip for; empty where it is none. In lower case, as addresses are kept."""
    name, _, ending = domain.partition(".")
    if domain in OTHERS or f"{name}.com" in OTHERS:
        return ""
    if name in PROVIDERS:
        meant = _provider(name, ending, has_slip=False)
    else:
        found = (_provider(each, ending, has_slip=True) for each in _slips().get(name, ()))
        meant = next((each for each in found if each), "")
    return meant if meant != domain and meant else _with_an_ending(domain)


def _provider(name: str, ending: str, *, has_slip: bool) -> str:
    """The provider's domain that an ending of it, or a slip of one, makes of its name."""
    endings = PROVIDERS[name].split()
    if ending in endings:
        return f"{name}.{ending}" if has_slip else ""
    right = ENDINGS.get(ending, "")
    if not right and len(name) >= SHORTEST:
        right = next((each for each, wrong in OF_PROVIDERS.items() if ending in wrong), "")
    return f"{name}.{right}" if right in endings else ""


def _with_an_ending(domain: str) -> str:
    """Of any domain: with the ending that is probably meant."""
    if domain.rpartition(".")[2] not in LAST_LABELS:  # nearly all: lists have a million of them
        return ""
    for labels in (2, 1):
        parts = domain.rsplit(".", labels)
        if len(parts) == labels + 1 and (right := ENDINGS.get(".".join(parts[1:]))):
            return f"{parts[0]}.{right}"
    return ""


@cache
def _slips() -> dict[str, list[str]]:
    """Providers by each slip of their name."""
    found: dict[str, list[str]] = {}
    for name in PROVIDERS:
        if len(name) >= SHORTEST:
            for slip in set(slips_of(name)):
                found.setdefault(slip, []).append(name)
    return found


def slips_of(name: str) -> Iterator[str]:
    """All texts at a distance of one slip; some several times."""
    for at in range(len(name) + 1):
        before, behind = name[:at], name[at:]
        if behind:
            yield before + behind[1:]
        if len(behind) > 1:
            yield before + behind[1] + behind[0] + behind[2:]
        for letter in LETTERS:
            yield before + letter + behind
            if behind:
                yield before + letter + behind[1:]
