"""Text as it is compared: without accents, case and width; `ß` is `ss`. PostgreSQL alone does it, by one function.

In: a column or a value of a query. Out: `contacts_folded(text)`, which a migration defines: NFKC, without accents
(extension unaccent), lower case. The empty text stays empty, NULL stays NULL. Use it for indexes and on both sides.
"""

from __future__ import annotations

from django.db.models import Func, TextField


class Folded(Func):
    """`Folded("name")`, `Folded(Value(text))`."""

    function = "contacts_folded"
    arity = 1
    output_field = TextField()
