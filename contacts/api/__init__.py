"""The API about contacts, below /api/v1/. Doors only: `contacts/people.py` writes, `contacts/access.py` scopes.

views.py         GET and POST contacts/, GET, PATCH and PUT contacts/{id}/
serializers.py   what goes in and what comes out
exports.py       exports/, their file
imports.py       imports/: bring, preview, confirm, rows, undo; import_shapes.py: what goes in and comes out
filtering.py     the parameters of the list: the words of `contacts/filters.py`
"""
