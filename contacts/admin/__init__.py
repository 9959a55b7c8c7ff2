"""The admin of `contacts`: contact.py has Contact with its import and export, around.py all the others."""

from contacts.admin import around, contact

__all__ = ["around", "contact"]
