"""A list that somebody pasted -> the bytes of a file. In: text. Out: the file that the import reads. Pure.

Cells copied from a spreadsheet, and tables with a header, stay as they are. Recipients copied from a mail client become
a table of names and addresses, one a row (`reading/recipients.py`).
"""

from __future__ import annotations

import csv
import io

from contacts.importing.reading.recipients import HEADER, TABLE, people_in

NAME = "pasted list.txt"
MOST = 1_000_000  # characters: somebody waits meanwhile
TOO_LONG = "The pasted list is longer than 1,000,000 characters. Save it as a file, and choose that."


def file_of(text: str) -> bytes:
    """Recipients as a table, anything else as it stands."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    people = [] if TABLE in lines else list(people_in(lines.split("\n")))
    if not people or not all("@" in address for _, address in people):
        return lines.encode(errors="replace")
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(HEADER)
    table.writerows(people)
    return out.getvalue().encode(errors="replace")
