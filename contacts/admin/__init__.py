"""The admin of `contacts`: contact.py has Contact with its import and export, doing.py tasks and
what happens by itself, around.py all the others."""

from contacts.admin import around, contact, doing

__all__ = ["around", "contact", "doing"]
