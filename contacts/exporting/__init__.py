"""What a person sees, as a file. In: a list (a subject), its filter, columns, a form. Out: bytes, or an Export in time.

    subjects.py  what can be exported: whose rows, which columns, who may
    people.py    contacts -> rows of text, as imports read them back
    campaigns.py campaigns -> rows, with their numbers
    presets.py   contacts as other tools' imports want them (presets.toml)
    layouts.py   the list's own columns, or a preset's; protected against formulas, or plain
    files.py     rows -> CSV, XLSX or JSON lines, piece by piece; no cell is a formula
    runs.py      large ones: an Export that a worker makes, kept in pieces until it expires
    jobs.py      what the worker runs

Everything is streamed: a million rows take the memory of a thousand. Bounces, suppressions and cleaning runs get their
rows from `bounces/exporting.py`.
"""
