"""Patterns that meet outside text: RE2 (linear time), asked directly.

In: a pattern and text. Out: whether, what and where. Stages: parse and classify, which ask some forty times a mail.

google-re2's own Python layer costs three times what the matching costs (measured: 3.1 µs a search of one line, 0.5 µs
of them RE2's), because it counts characters for positions that are seldom asked for. Here they are counted when asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import re2

ANYWHERE = re2._Anchor.UNANCHORED
NOWHERE = (-1, -1)


class Found:
    """Where a pattern matched. Groups are numbered from 1; 0 is the whole match."""

    __slots__ = ("_body", "_spans")

    def __init__(self, body: bytes, spans: list[tuple[int, int]]) -> None:
        self._body = body
        self._spans = spans

    def group(self, number: int = 0) -> str:
        """What the group matched; "" where it took no part."""
        start, end = self._spans[number]
        return self._body[start:end].decode() if start >= 0 else ""

    def start(self, number: int = 0) -> int:
        """In characters of the text; 0 where the group took no part."""
        return len(self._body[: max(self._spans[number][0], 0)].decode())

    @property
    def span(self) -> tuple[int, int]:
        """Of the whole match, in bytes of the text."""
        return self._spans[0]


class Pattern:
    """One compiled pattern over text. Raises re2.error where it cannot be compiled."""

    __slots__ = ("_match", "options", "source")

    def __init__(self, source: str, options: re2.Options | None = None) -> None:
        compiled = re2.compile(source.encode(), options)
        self.source = source
        self.options = options
        self._match = compiled._regexp.Match  # the layer below the package's Python

    def matches(self, text: str) -> bool:
        """Whether it matches anywhere."""
        body = text.encode("utf-8", "replace")
        return self._match(ANYWHERE, body, 0, len(body))[0] != NOWHERE

    def search(self, text: str) -> Found | None:
        """The first match."""
        body = text.encode("utf-8", "replace")
        spans = self._match(ANYWHERE, body, 0, len(body))
        return Found(body, spans) if spans[0] != NOWHERE else None

    def first(self, text: str, group: int = 1) -> str:
        """What the group of the first match matched; "" where there is none."""
        body = text.encode("utf-8", "replace")
        start, end = self._match(ANYWHERE, body, 0, len(body))[group]
        return body[start:end].decode() if start >= 0 else ""

    def each(self, text: str) -> Iterator[Found]:
        """One match after the other; a match of nothing is passed over."""
        body = text.encode("utf-8", "replace")
        return (Found(body, spans) for spans in self._spans(body))

    def sub(self, put: str | Callable[[Found], str], text: str) -> str:
        """The text with each match replaced by `put`, or by what `put` says of it."""
        body = text.encode("utf-8", "replace")
        pieces, end = [], 0
        for spans in self._spans(body):
            word = put if isinstance(put, str) else put(Found(body, spans))
            pieces += [body[end : spans[0][0]], word.encode("utf-8", "replace")]
            end = spans[0][1]
        return b"".join([*pieces, body[end:]]).decode() if pieces else text

    def _spans(self, body: bytes) -> Iterator[list[tuple[int, int]]]:
        at, end = 0, len(body)
        while at <= end:
            spans = self._match(ANYWHERE, body, at, end)
            if spans[0] == NOWHERE:
                return
            if spans[0][0] == spans[0][1]:
                at = spans[0][1] + 1
                continue
            yield spans
            at = spans[0][1]


class PatternSet:
    """Many patterns without case as one automaton: which of them occur, in one pass. Raises re2.error."""

    __slots__ = ("_match",)

    def __init__(self, sources: Iterable[str]) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.max_mem = 64 << 20  # where RE2 runs out of its default 8 MB, it finds nothing
        automaton = re2.Set.SearchSet(options)
        added = [automaton.Add(source) for source in sources]
        automaton.Compile()
        self._match: Callable[[bytes], list[int]] = automaton._set.Match if added else lambda _: []

    def find(self, text: str) -> list[int]:
        """The numbers of those that occur, in no order; the first source has number 0."""
        return self._match(text.encode("utf-8", "replace")) if text else []
