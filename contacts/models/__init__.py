"""The tables of `contacts`, one module an idea.

people.py      Company, Contact, ContactAddress, ContactExternalId, Tag, CustomField: who we talk to
segments.py    Segment: a stored filter
campaigns.py   Campaign, CampaignMember: what we send them
tasks.py       Task, StatusAction, Deed: what people are to do, what happens by itself, what did
exports.py     Export, ExportPiece: files that a worker makes
import_corrections.py  ImportCorrection: cells that people corrected in a preview
import_outcomes.py  ImportPack, ImportOutcome: what became of rows, also of those that did nothing
imports.py     ImportRun, ImportChunk, ImportRow, SavedMapping: how files became contacts
duplicates.py  DuplicatePair, DuplicateKeys, DuplicateSearch, Merge, MergeRun: possible duplicates, and merges
sources.py     SourceCount: how the people of each source could be reached
activity.py    Activity: what happened with a contact, as people read it
"""

from contacts.models.activity import Activity
from contacts.models.campaigns import Campaign, CampaignMember
from contacts.models.duplicates import DuplicateKeys, DuplicatePair, DuplicateSearch, Merge, MergeRun
from contacts.models.exports import Export, ExportPiece
from contacts.models.import_corrections import ImportCorrection
from contacts.models.import_outcomes import ImportOutcome, ImportPack
from contacts.models.imports import ImportChunk, ImportRow, ImportRun, SavedMapping
from contacts.models.people import Company, Contact, ContactAddress, ContactExternalId, CustomField, Tag
from contacts.models.segments import Segment
from contacts.models.sources import SourceCount
from contacts.models.tasks import Deed, StatusAction, Task

__all__ = [
    "Activity",
    "Campaign",
    "CampaignMember",
    "Company",
    "Contact",
    "ContactAddress",
    "ContactExternalId",
    "CustomField",
    "Deed",
    "DuplicateKeys",
    "DuplicatePair",
    "DuplicateSearch",
    "Export",
    "ExportPiece",
    "ImportChunk",
    "ImportCorrection",
    "ImportOutcome",
    "ImportPack",
    "ImportRow",
    "ImportRun",
    "Merge",
    "MergeRun",
    "SavedMapping",
    "Segment",
    "SourceCount",
    "StatusAction",
    "Tag",
    "Task",
]
