"""Which column means what: guessed, shown with samples, corrected by a person, kept for the next file of the same tool.

In: headers and the first rows. Out: guesses; a mapping (header -> word of `contacts/fields.py`, "" to leave it out)
that was checked. `custom.<key>` is a custom field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contacts.importing.columns import CUSTOM, DERIVED, SEVERAL, WORDS, custom_words
from contacts.importing.guessing import Guess, guess
from contacts.importing.headers import export_of
from contacts.importing.reading import Line, UnreadableFile
from contacts.importing.reading.tables import listed
from contacts.models import CustomField, ImportRun, SavedMapping

ERROR = "error"  # the column that is added to rows that failed
SAMPLES = 500  # rows that a column is guessed by
LABELS = {
    "email": "E-mail address",
    "other_emails": "Other addresses",
    "first_name": "First name",
    "last_name": "Last name",
    "title": "Title",
    "company": "Company",
    "owner": "Owner",
    "phone": "Phone",
    "country": "Country",
    "tags": "Tags",
    "source": "Source",
    "external_id": "External id",
}
# With what a file may say, and no field of a contact is.
CHOICES = {
    **LABELS,
    "full_name": "Full name",
    "notes": "Note",
    "opt_out": "Opt-out: unsubscribed, bounced, blocked",
}


def guess_columns(headers: Sequence[str], lines: Sequence[Line]) -> list[Guess]:
    """One a header that has a name."""
    return guess(headers, [line.cells for line in lines], custom_words(CustomField.objects.all()), DERIVED)


def first_mapping(headers: Sequence[str], lines: Sequence[Line]) -> dict[str, str]:
    """What the columns mean while nobody has said so."""
    return mapping_again(headers) or mapping_of(guess_columns(headers, lines))


def said_mapping(
    headers: Sequence[str], first: Mapping[str, str], saved: Mapping[str, str] | None, said: Mapping[str, str]
) -> dict[str, str]:
    """What they mean where somebody has: `saved` (of a SavedMapping) instead of what was found out first, and over
    both what is `said` of single columns. A word that is said of one column is no other's, if one alone may have it."""
    mapping = dict(first) if saved is None else apply_saved(saved, headers)
    taken = {word for word in said.values() if word and word not in SEVERAL}
    return {header: word for header, word in mapping.items() if word not in taken} | dict(said)


def mapping_of(guesses: Sequence[Guess]) -> dict[str, str]:
    return {made.header: made.word for made in guesses if made.word}


def mapping_again(headers: Sequence[str]) -> dict[str, str]:
    """Of a file of failed rows that comes back: what its columns meant before. Empty for any other file."""
    own = [header for header in headers if header.strip().lower() != ERROR]
    if len(own) == len(headers):
        return {}
    before = ImportRun.objects.filter(headers__in=[own, list(headers)]).exclude(mapping={}).order_by("-pk").first()
    return dict(before.mapping) if before else {}


def check_mapping(headers: Sequence[str], mapping: Mapping[str, str], new_keys: Sequence[str] = ()) -> dict[str, str]:
    """The mapping without the columns that are left out. Raises UnreadableFile with what people have to correct."""
    known = {*WORDS, *(f"{CUSTOM}{key}" for key in (*CustomField.objects.values_list("key", flat=True), *new_keys))}
    chosen: dict[str, str] = {}
    by_word: dict[str, str] = {}
    for header, word in mapping.items():
        if not word:
            continue
        if header not in headers:
            raise UnreadableFile(f"The file has no column “{header[:60]}”. Its columns are: {listed(headers)}.")
        if word not in known:
            raise UnreadableFile(f"“{header[:60]}” is to become “{word[:60]}”, and no field is named so.")
        if word in by_word and word not in SEVERAL:
            name = CHOICES.get(word, word.removeprefix(CUSTOM)).lower()
            raise UnreadableFile(f"Two columns mean {name}: “{by_word[word]}” and “{header}”. Leave one out.")
        chosen[header], by_word[word] = word, header
    if "email" not in by_word and "external_id" not in by_word:
        raise UnreadableFile(
            f"No column holds the e-mail address. The columns are: {listed(headers)}. "
            "Choose the one that holds the addresses, or an external id."
        )
    return chosen


def notices_of(guesses: Sequence[Guess], mapping: Mapping[str, str]) -> list[str]:
    derived = [made.header for made in guesses if made.is_derived and made.header not in mapping]
    doubled = [made for made in guesses if made.is_doubled and made.header not in mapping]
    others = [
        made.header for made in guesses if not made.is_derived and not made.is_doubled and made.header not in mapping
    ]
    export = export_of([made.header for made in guesses])
    notices = [f"This looks like an export of {export.name}."] if export else []
    if derived:
        notices.append(f"Not imported, because Rebound works it out from facts: {listed(derived)}.")
    notices += [f"“{made.header[:60]}” is left out: {made.why}" for made in doubled[:12]]
    if others:
        notices.append(f"Left out: {listed(others)}.")
    return notices


# --- saved mappings -------------------------------------------------------------------------------


def save_mapping(name: str, mapping: Mapping[str, str], by: Any, headers: Sequence[str] = ()) -> None:
    """One that has the name in any case is replaced. `headers`: of the file, so that what was left out is known."""
    kept = {header.lower(): "" for header in headers if header}
    kept |= {header.lower(): word for header, word in mapping.items()}
    name = " ".join(name.split())[:100]
    if not SavedMapping.objects.filter(name__iexact=name).update(mapping=kept, by=by):
        SavedMapping.objects.create(name=name, mapping=kept, by=by)


def apply_saved(saved: Mapping[str, str], headers: Sequence[str]) -> dict[str, str]:
    return {header: saved[header.lower()] for header in headers if saved.get(header.lower())}


def best_saved(headers: Sequence[str], guessed: Mapping[str, str]) -> SavedMapping | None:
    """The saved mapping that knows most of these columns, where it has all that it needs, and knows each of which a
    meaning is guessed: one of a smaller file would leave out what this one has beyond that."""
    names, needed = {header.lower() for header in headers}, {header.lower() for header in guessed}
    fitting = [
        saved
        for saved in SavedMapping.objects.all()
        if saved.mapping
        and {header for header, word in saved.mapping.items() if word} <= names
        and needed <= set(saved.mapping)
    ]
    return max(fitting, key=lambda saved: len(saved.mapping), default=None)
