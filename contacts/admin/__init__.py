"""The admin of `contacts`: contact.py has Contact, and files.py (with import_form.py) its import and export;
importing.py the imports so far, duplicates.py pairs and merges, doing.py tasks and what happens by
itself, around.py all the others."""

from contacts.admin import around, contact, doing, duplicates, importing

__all__ = ["around", "contact", "doing", "duplicates", "importing"]
