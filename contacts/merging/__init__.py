"""Merge two contacts or two companies, and undo a merge within 30 days.

contacts.py   merge two contacts: where they differ, which value is kept, which rows move
companies.py  merge two companies
recording.py  record which rows a merge moved, changed, deleted or created, by a snapshot before and after
settling.py   update the queue of duplicates after a merge or its undo
undoing.py    restore the recorded rows, except for later edits; empty records that are too old
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
