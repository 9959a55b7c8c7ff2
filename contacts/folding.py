"""Text as it is compared: without accents, case and width; `ß` is `ss`. PostgreSQL alone does it, by one function.

In: a column or a value of a query. Out: `contacts_folded(text)`, which a migration defines: NFKC, without accents
(extension unaccent), lower case. The empty text stays empty, NULL stays NULL. Use it for indexes and on both sides.
What search looks in, and what a name is sorted by, are made of it by further functions of the migrations.
"""

from __future__ import annotations

from django.db.models import Func, TextField
from django.db.models.lookups import PostgresOperatorLookup


class Folded(Func):
    """`Folded("name")`, `Folded(Value(text))`."""

    function = "contacts_folded"
    arity = 1
    output_field = TextField()


class Words(Func):
    """What search looks in, of one text: as a contact's document holds its words."""

    function = "contacts_words"
    arity = 1
    output_field = TextField()


class Pattern(Func):
    """What a document is like that holds this word."""

    function = "contacts_pattern"
    arity = 1
    output_field = TextField()


class SortName(Func):
    """`SortName("first_name", "last_name")`: NULL for the nameless, whom lists show last."""

    function = "contacts_sort_name"
    arity = 2
    output_field = TextField(null=True)


@TextField.register_lookup
class Like(PostgresOperatorLookup):
    """`document__like=Pattern(Value(word))`: LIKE of a pattern that the database makes."""

    lookup_name = "like"

    postgres_operator = "LIKE"
