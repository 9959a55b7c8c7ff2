"""How a file becomes contacts.

    reading/      bytes of any kind of file -> headers and lines of text, or a plain reason why not
    headers.py    what a header means by its name: ten languages, eight tools (`headers.toml`)
    guessing.py   which column probably means what, how sure that is, and why
    values.py     phone numbers and days as we keep them; month_names.py, number_style.py: as people write them
    repairs.py    what programs did to cells; addresses.py, full_names.py, tag_lists.py: what dressed-up cells hold
    mapping.py    which column means what: guessed, checked, kept for the next file
    options.py    what an import may do, as people chose it; given_tags.py: the tags it gives to all, by id
    stored.py     the file in PostgreSQL, in chunks; rows.py reads it from there
    runs.py       what people do with a run: choose its columns, confirm, cancel, undo
    working.py    a transaction a step, until the run ends or is stopped
    turns.py      the job: imports take turns, and let other work go in between

        file -> rows.py -> copy_lines.py, cleaning.py (cells.py, custom_cells.py, opt_out_cells.py), staging.py
             -> judging.py, repeating.py, comparing.py -> taking.py, applying.py: fresh.py and rest.py
             -> writing.py, suppressing.py -> outcomes.py, report.py

    said.py       what is said of single cells: a fault costs its cell, or its row; cell_notices.py sums them up

    wrong_cells.py  what is wrong, cell by cell; correcting.py: cells that a person writes anew in the preview,
                  corrections.py: put in place as the file is read
    holding.py    the preview while it is read; where its stage is lost, the run is read again
    health.py     what the list looks like, and whether it is quarantined; batches.py: whether its next batch may come
    recalling.py  the cells of rows that failed although nothing was wrong with them
    undoing.py    taking a whole import back
    resources.py  ContactResource: the same pipeline as django-import-export calls it; formats.py, waiting.py with it
    columns.py    the words that columns may mean

The wizard's pages, the admin, the API and `manage.py import_contacts` are doors to one pipeline. The rules are those of
`contacts/people.py`, which saves one contact; here they are applied to thousands with a constant number of queries. An
import never writes a status and lifts no suppression: a new contact with an address that bounced before has its status
because contacts share addresses.
"""
