"""Bytes -> text, in whatever encoding. In: a file's pieces. Out: pieces of text without byte order marks; notices.

The order: what a person says; a byte order mark; UTF-16 by its zero bytes; ASCII as long as nothing else comes, so that
the encoding is decided by the first lines that need one; UTF-8; then what charset-normalizer finds likeliest among
those that files of contacts come in. What was guessed is said.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator

from charset_normalizer import from_bytes

from contacts.importing.reading.characters import NUL
from contacts.importing.reading.tables import UnreadableFile

UTF8 = "utf-8"
SAMPLE = 64 * 1024  # bytes of lines that are not ASCII
FEW_NULS = 3
MARKS = {
    codecs.BOM_UTF8: UTF8,
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
NAMES = {
    "cp1252": "Latin-1 (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp932": "Japanese (Shift JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "iso2022_jp": "Japanese (ISO-2022-JP)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "cp949": "Korean (CP949)",
    "mac_roman": "old Macintosh (Mac Roman)",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
}
# Python knows codecs that are no encodings of text, or whose work is without bounds: only these are used, the ones that
# files come in, and the ISO names of their time.
LATIN = [f"iso8859-{part}" for part in range(1, 17) if part != 12]  # there is no twelfth
CHARSETS = frozenset(
    codecs.lookup(name).name
    for name in (*NAMES, UTF8, "ascii", "utf-8-sig", "utf-16", "utf-32", *MARKS.values(), *LATIN)
)
GUESSED = [name for name in NAMES if not name.startswith(("utf", "iso2022", "mac"))]
NEIGHBOURS = ("cp1252", "cp1250")  # the same bytes are letters in both: è and č, ø and ř
MAC = "mac_roman"
MAC_LETTERS = frozenset([*range(0x80, 0xA0), 0xA7, 0xAE, 0xAF, 0xBE, 0xBF, 0xD5, 0xD0, 0xD1])  # ß Æ Ø æ ø ’ – —
LAST_LATIN = "\u024f"
OTHER_VOWELS = frozenset("æøœı")  # what is left of the others without their marks says it
TURKISH, ONLY_TURKISH, SEVERAL = frozenset("çğıöşüâîûÇĞİÖŞÜÂÎÛé"), frozenset("ğışİŞ"), 2
A_SIGN = 3  # “¯ó³kiewski” is worse than what is hard to say
TWO_VOWELS = 2  # “Potoènik”: consonants meet more often
# Letters of Windows-1252 where their languages do not put them: they are Hungarian, Polish, Romanian or Czech ones.
ASTRAY = re.compile(r"[ìùû](?=\w)|[ãõ](?![oe])|ñ(?=[bcdfghjklmnpqrstvwxz])|(?<=\w)þ|[ªº]")
SHIFT = b"\x1b$"  # the beginning of Japanese in ISO-2022-JP, whose bytes are all ASCII


class Text:
    """A file's text: iterate once. `encoding` is known as far as the file has been read; empty: ASCII so far."""

    def __init__(self, pieces: Iterator[bytes], notices: list[str], encoding: str = "") -> None:
        self.pieces = pieces
        self.notices = notices
        self.encoding = encoding
        self.lines = 0  # line ends that went by
        self.is_begun = False
        self.has_told_marks = False

    def __iter__(self) -> Iterator[str]:
        head = next(self.pieces, b"")
        decoder = self._decoder(self._declared(head) or self._by_zeros(head))
        for piece in _with(head, self.pieces):
            if decoder is None and piece.isascii() and SHIFT not in piece:
                yield self._checked(piece.decode("ascii"))
                continue
            decoder = decoder or self._decoder(self._guess(piece))
            assert decoder is not None
            yield self._checked(self._decode(decoder, piece))
        if decoder is not None and (last := self._decode(decoder, b"", is_last=True)):
            yield self._checked(last)

    def _declared(self, head: bytes) -> str:
        if self.encoding:
            return self.encoding
        # The longer marks first: UTF-32's begins like UTF-16's.
        return next((name for mark, name in sorted(MARKS.items(), key=_longest) if head.startswith(mark)), "")

    def _by_zeros(self, head: bytes) -> str:
        """UTF-16 without a mark: most characters of a header are ASCII, so every second byte is zero."""
        even, odd = head[:2000:2].count(0), head[1:2000:2].count(0)
        half = len(head[:2000]) // 2
        for name, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
            if half and zeros > half * 0.7 and others < half * 0.1:
                self.notices.append("The file was read as UTF-16, though it does not say so itself.")
                return name
        return ""

    def _decoder(self, encoding: str) -> codecs.IncrementalDecoder | None:
        self.encoding = encoding
        if not encoding:
            return None
        decoder = codecs.getincrementaldecoder(known_encoding(encoding))
        return decoder("surrogateescape" if encoding == UTF8 else "replace")

    def _decode(self, decoder: codecs.IncrementalDecoder, piece: bytes, *, is_last: bool = False) -> str:
        try:
            return decoder.decode(piece, is_last)
        except UnicodeError as error:  # of codecs that know no replacement
            raise UnreadableFile(f"The file cannot be read as {self.encoding}: {error}.") from error

    def _guess(self, piece: bytes) -> str:
        """By the lines that are not ASCII, in the first piece that has any."""
        if SHIFT in piece:
            found = "iso2022_jp"
        elif _is_utf8(piece):
            return UTF8
        else:
            found = guess_encoding(piece)
        self.notices.append(
            f"The file is not UTF-8, so it was read as {NAMES.get(found, found)}. Look at names with accents before "
            "you confirm; if they are wrong, choose another encoding, or save the file as “CSV UTF-8”."
        )
        return found

    def _checked(self, text: str) -> str:
        if not self.is_begun and text:
            self.is_begun, text = True, text.removeprefix("\ufeff")
        if "\x00" in text:
            text = self._without_nuls(text)
        if "\n\ufeff" in text:
            if not self.has_told_marks:
                self.has_told_marks = True
                self.notices.append(
                    "There are byte order marks amid the file, as when files are joined: they were left out. "
                    "Look whether a header is repeated below."
                )
            text = text.replace("\n\ufeff", "\n")
        self.lines += text.count("\n")
        return text

    def _without_nuls(self, text: str) -> str:
        """A few are damage, to be told of by row; with many of them it is no text. Raises UnreadableFile."""
        if text.count("\x00") <= FEW_NULS + len(text) // 10_000:
            return text.replace("\x00", NUL)
        line = self.lines + text.count("\n", 0, text.find("\x00")) + 1
        raise UnreadableFile(
            f"Line {line} holds a NUL byte, and others follow, so this is not a text file, or a damaged one. "
            "Save it again as “CSV UTF-8”."
        )


def known_encoding(name: str) -> str:
    """As Python names it. Raises UnreadableFile for one that no file of contacts comes in."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        found = ""
    if found not in CHARSETS:
        raise UnreadableFile(f"There is no encoding “{name[:40]}”. Try utf-8 or cp1252.")
    return found


def guess_encoding(piece: bytes) -> str:
    """The likeliest, for bytes that are not UTF-8. One that puts signs amid letters (“¯ó³kiewski”) comes last."""
    sample = b"\n".join(line for line in piece.split(b"\n") if not line.isascii())[:SAMPLE]
    matches = from_bytes(sample, cp_isolation=GUESSED, threshold=0.5, enable_fallback=False)
    names = [*(match.encoding for match in matches), *NEIGHBOURS]
    likeliest = min(names, key=lambda name: _misplaced(sample.decode(name, "replace")))
    if _is_turkish(sample.decode("cp1254", "replace")):
        return "cp1254"
    if _is_of_old_mac(sample):
        return MAC
    if likeliest not in NEIGHBOURS:
        return likeliest
    # Where nothing tells them apart, the one that people have heard of.
    return min(NEIGHBOURS, key=lambda name: _hard_to_say(sample.decode(name, "replace")))


def _is_of_old_mac(sample: bytes) -> bool:
    """Its letters with marks lie where Windows has signs and a few letters (Ž, š): read so, words are easier to say."""
    foreign = {byte for byte in sample if byte > 0x7F}
    if not foreign or not foreign <= MAC_LETTERS:
        return False
    read = _hard_to_say(sample.decode(MAC))
    return all(read < _hard_to_say(sample.decode(name, "replace")) for name in NEIGHBOURS)


def _hard_to_say(text: str) -> int:
    """How often a letter with a mark stands beside one of its own kind: “Lefčvre” for Lefèvre, “Dvoøák” for Dvořák.

    Names are too short for the statistics of languages, but in all of them vowels and consonants take turns.
    """
    words = f" {text.lower()} "
    found = _misplaced(words) * A_SIGN + len(ASTRAY.findall(words))
    for before, letter, after in zip(words, words[1:], words[2:], strict=False):
        if letter > "\x7f" and letter.isalpha() and letter != "ï":  # whose mark parts two vowels
            vowel = _is_vowel(letter)
            alike = [other for other in (before, after) if other.isalpha() and _is_vowel(other) == vowel]
            found += len(alike) * (TWO_VOWELS if vowel else 1)
    return found


def _is_turkish(text: str) -> bool:
    """No letters but theirs, and several of those that only they have: one alone may be the ý of a Czech name."""
    marked = {letter for letter in text if letter > "\x7f" and letter.isalpha()}
    return marked <= TURKISH and len(marked & ONLY_TURKISH) >= SEVERAL


def _is_vowel(letter: str) -> bool:
    return letter in OTHER_VOWELS or unicodedata.normalize("NFD", letter)[0] in "aeiouy"


def _misplaced(text: str) -> int:
    """How many signs touch a letter, and how many letters of other scripts a Latin one (“M黮ler”)."""
    found = 0
    for before, sign, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if sign > "\x7f":
            beside = before + after
            foreign = sign > LAST_LATIN and any("a" <= other <= "z" for other in beside.lower())
            found += foreign or (not sign.isalpha() and any(map(str.isalpha, beside)))
    return found


def _is_utf8(piece: bytes) -> bool:
    """Or nearly so: a few foreign bytes in a file of UTF-8 are damage, to be told of by row."""
    text = codecs.getincrementaldecoder(UTF8)("surrogateescape").decode(piece)
    foreign = sum(1 for character in text if "\udc80" <= character <= "\udcff")
    if not foreign:
        return True
    return sum(1 for character in text if character > "\x7f") - foreign >= 4 * foreign


def _longest(mark: tuple[bytes, str]) -> int:
    return -len(mark[0])


def _with(head: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces
