"""What an import may do, as people chose it. In: a form, a command's flags, JSON. Out: Options, kept with the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from contacts.fields import FieldErrors, clean_fields


class Update(StrEnum):
    """What happens to a contact that is there already."""

    SKIP = "skip"
    FILL = "fill"
    OVERWRITE = "overwrite"


class OptOuts(StrEnum):
    """What happens to addresses that the file says must not be written to."""

    SUPPRESS = "suppress"
    ORDINARY = "ordinary"


OPT_OUT_LABELS = {
    OptOuts.SUPPRESS: "Suppress them, for the reason that the file gives",
    OptOuts.ORDINARY: "Import them as ordinary contacts",
}
# Of custom fields that an import may make.
NEW_TYPES = {"text": "text", "number": "a number", "date": "a date", "yes_no": "yes or no"}
LONGEST_KEY = 60
UPDATE_LABELS = {
    Update.OVERWRITE: "Overwrite its fields with the file’s values",
    Update.FILL: "Fill empty fields only",
    Update.SKIP: "Skip the row",
}


@dataclass(frozen=True, slots=True)
class Options:
    """`owner_id` and `source` are for new contacts whose row names none; `tags` are given to all.

    `empties`: an empty cell empties its field. `change_others`: contacts of other owners may be changed.
    `new_fields`: custom fields that do not exist yet, as {"key", "label", "type"}: made when the import begins.
    `tag_ids`: of those `tags` that exist, by name: a tag that is renamed meanwhile is still the one that was chosen
    (`given_tags.py`). `at_once`: no preview is waited for. `strict`: a cell that cannot be read costs its row, not only
    itself. `opt_outs`: whether people whom the file calls unsubscribed, bounced or blocked are suppressed; where they
    are imported as ordinary contacts, `opt_out_reason` says why.
    """

    update: str = Update.OVERWRITE
    empties: bool = False
    change_others: bool = False
    owner_id: int | None = None
    source: str = ""
    tags: list[str] = field(default_factory=list)
    tag_ids: dict[str, int] = field(default_factory=dict)
    new_fields: list[dict[str, str]] = field(default_factory=list)
    at_once: bool = False
    strict: bool = False
    opt_outs: str = OptOuts.SUPPRESS
    opt_out_reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def given_to_all(word: str, value: Any) -> Any:
    """`tags` or `source`, by the rules that cells go by: the same at every door. Raises ValueError with a sentence."""
    try:
        return clean_fields({word: value})[word]
    except FieldErrors as error:
        raise ValueError(" ".join(error.errors[word])) from error


def read_options(kept: Mapping[str, Any]) -> Options:
    return Options(**kept)
