"""Merging two contacts or two companies into one, and undoing that for 30 days.

contacts.py   two contacts: where they differ, whose value is kept, what moves
companies.py  two companies likewise
recording.py  which rows a merge moved, changed, deleted or created: a snapshot before and one after it
settling.py   what a merge and its undo mean for the queue of duplicates
undoing.py    the same rows back, apart from what was edited since; records that are too old are emptied
"""

from contacts.merging.companies import company_differences, merge_companies
from contacts.merging.contacts import CUSTOM, FIELDS, PRIMARY, Difference, differences, merge
from contacts.merging.undoing import KEPT_FOR, CannotUndo, merges_for, undo_merge, undoable_until, why_not

__all__ = [
    "CUSTOM",
    "FIELDS",
    "KEPT_FOR",
    "PRIMARY",
    "CannotUndo",
    "Difference",
    "company_differences",
    "differences",
    "merge",
    "merge_companies",
    "merges_for",
    "undo_merge",
    "undoable_until",
    "why_not",
]
