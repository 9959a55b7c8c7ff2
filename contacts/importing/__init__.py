"""How a file becomes contacts.

    reading/      bytes of any kind of file -> headers and lines of text, or a plain reason why not
    headers.py    what a header means by its name: ten languages, eight tools (`headers.toml`)
    guessing.py   which column probably means what, how sure that is, and why
    values.py     phone numbers and days as we keep them
    columns.py    a Sheet's headers and cells -> the words of `contacts/fields.py`, errors by row and column
    matching.py   which row is which contact (DESIGN §5: external id, then primary address; never a guess)
    saving.py     a batch of rows -> tables, set by set
    resources.py  ContactResource: the steps above in the order that django-import-export calls them
    formats.py    the file formats as django-import-export knows them
    report.py     what happened (or would happen), for pages and the terminal
    waiting.py    a file between its preview and its confirmation

The admin, the managers' page and `manage.py import_contacts` are three doors to the same resource. The rules are
those of `contacts/people.py`, which saves one contact; here they are applied to thousands with a constant number of
queries a batch. An import never writes a status: a new contact with an address that bounced before has its status
because contacts share addresses.
"""
