"""Lists that providers export: bounces, complaints, unsubscribes, suppressions, as CSV, JSON or plain text.

    lists.toml    which lists are known by their columns, and what the words in them mean
    cells.py      whether cells hold addresses
    objects.py    JSON -> rows of cells
    layout.py     the first lines of a file -> what its columns hold, which provider it is of, what its rows tell
    table.py      bytes -> the lines of a table, bounded
    lines.py      one line -> an event, or why it is none
    preview.py    what a kept list would tell, before anything of it is recorded
    opening.py    a list that a person has looked at -> an item a line (the drain calls it)

A list is kept in the inbox like anything else, and waits there for somebody who says what its rows are: a file of
addresses and dates may be unsubscribes or complaints, and nothing in it tells which. Stage: between inbox and parse.
"""
