"""The tags that an import gives to all its contacts, by their ids: one may be renamed between choosing and writing.

In: a run whose options name tags. Out: the same options, and its stage, with the names that these tags have today.
Stage: file -> rows -> stage -> judged -> applied.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import connection

from contacts.importing.options import Options, read_options
from contacts.importing.staging import stage_of
from contacts.models import ImportRun, Tag
from contacts.named import tags_named


def with_ids(options: Options) -> Options:
    """Those tags that exist, by id; the others are made by the first batch."""
    found = {tag.name.lower(): tag.pk for tag in tags_named(options.tags, make=False)}
    ids = {name: found[name.lower()] for name in options.tags if name.lower() in found}
    return replace(options, tag_ids={**ids, **options.tag_ids})


def follow_renames(run: ImportRun) -> None:
    """Before each batch, in its transaction, which saves the run."""
    options = read_options(run.options)
    if not options.tags:
        return
    today = dict(Tag.objects.filter(pk__in=options.tag_ids.values()).values_list("pk", "name"))
    renamed = {name: today[pk] for name, pk in options.tag_ids.items() if today.get(pk, name).lower() != name.lower()}
    for was, name in renamed.items():
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {stage_of(run)} SET tags = array_replace(tags, %s, %s) WHERE tags @> ARRAY[%s]",  # noqa: S608 -- made of a number
                [was, name, was],
            )
    names = [renamed.get(name, name) for name in options.tags]
    ids = {renamed.get(name, name): pk for name, pk in options.tag_ids.items() if pk in today}
    run.options = with_ids(replace(options, tags=names, tag_ids=ids)).as_json()
