"""Many contacts saved at once, by the rules of imports, in one transaction and a constant number of statements.

    reading.py   what a tool wrote of each contact -> values of the stage, or what is wrong with it. No database but
                 for the custom fields and the owners, read once for all
    saving.py    values -> contacts: judged, and what would change anything judged again under lock and written

The conditions are those of `contacts/importing/`: the same SQL texts say whom a row is about and what it changes. A row
that is wrong costs itself alone. What was so already is not written, not even locked.
"""
