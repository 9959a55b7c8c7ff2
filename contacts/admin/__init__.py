"""The admin of `contacts`: contact.py for contacts, files.py (with import_form.py) for their import and export,
importing.py for past imports, duplicates.py for pairs and merges, doing.py for tasks and automations, around.py for
everything else."""

from contacts.admin import around, contact, doing, duplicates, importing

__all__ = ["around", "contact", "doing", "duplicates", "importing"]
