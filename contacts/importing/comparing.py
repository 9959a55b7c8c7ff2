"""What a row would change about its contact, as SQL. In: `s` (the staged row), `c` (the contact), `k` (its company),
`p` (its primary address, where it was found by its external id). Out: the words that change.

A record sent again takes nothing away: tags and addresses are added, the first source stands, an external id that is
there stays. What an empty cell means was decided when the row was staged: NULL says nothing.
"""

from __future__ import annotations

NOT_FILL = "%(update)s <> 'fill'"


def _plain(word: str) -> str:
    return f"s.{word} IS NOT NULL AND s.{word} <> c.{word} AND ({NOT_FILL} OR c.{word} = '')"


# The same number, written differently, is no change (`values.same_phone`).
def _national(column: str) -> str:
    return f"ltrim(translate(replace({column}, '(0)', ''), '+ -./()', ''), '0')"


_STAGED, _KEPT = _national("s.phone"), _national("c.phone")
SAME_PHONE = f"""(
    translate(s.phone || c.phone, '0123456789+ -./()', '') = ''
    AND least(length({_STAGED}), length({_KEPT})) >= 6 AND abs(length({_STAGED}) - length({_KEPT})) <= 3
    AND (right({_STAGED}, length({_KEPT})) = {_KEPT} OR right({_KEPT}, length({_STAGED})) = {_STAGED})
)"""
# The id by which the run's tool knows the contact, where it does.
KNOWN_ID = """(CASE WHEN %(tool)s = '' THEN c.external_id ELSE (
    SELECT min(i.external_id) FROM contacts_contactexternalid i WHERE i.contact_id = c.id AND i.tool = %(tool)s
) END)"""
# Whether the row's address is the first of its other ones: then a contact that has a primary address keeps that.
IS_BORROWED = "{row}.email IS NOT DISTINCT FROM {row}.others[1]"
ADDRESSES = f"""
    (f.by_id AND s.email IS NOT NULL AND p.address_id IS DISTINCT FROM f.address_id
     AND (({NOT_FILL} AND NOT {IS_BORROWED.format(row="s")}) OR p.address_id IS NULL))
    OR (s.others IS NOT NULL AND s.email IS NOT NULL AND EXISTS (
        SELECT FROM unnest(s.others) AS said(email)
        WHERE NOT EXISTS (
            SELECT FROM contacts_contactaddress r JOIN bounces_address o ON o.id = r.address_id
            WHERE r.contact_id = c.id AND o.email = said.email)))
"""  # noqa: S608 -- one constant in another
TAGS = """
    s.tags IS NOT NULL AND EXISTS (
        SELECT FROM unnest(s.tags) AS said(name)
        WHERE NOT EXISTS (
            SELECT FROM contacts_contact_tags t JOIN contacts_tag g ON g.id = t.tag_id
            WHERE t.contact_id = c.id AND lower(g.name) = lower(said.name)))
"""
NOTES = """
    s.note IS NOT NULL AND NOT EXISTS (
        SELECT FROM contacts_activity v WHERE v.contact_id = c.id AND v.kind = 'note' AND v.text = s.note)
"""
# jsonb_strip_nulls: a null of the row removes its key.
CUSTOM_THEN = """
    CASE WHEN %(update)s = 'fill' THEN jsonb_strip_nulls(s.custom) || c.custom
         ELSE jsonb_strip_nulls(c.custom || s.custom) END
"""
CONDITIONS = {
    **{word: _plain(word) for word in ("first_name", "last_name", "title", "country")},
    "phone": f"{_plain('phone')} AND NOT {SAME_PHONE}",
    "company": f"s.company IS NOT NULL AND lower(s.company) <> lower(coalesce(k.name, '')) "
    f"AND ({NOT_FILL} OR k.id IS NULL)",
    "owner": f"s.owner_id IS NOT NULL AND s.owner_id IS DISTINCT FROM c.owner_id "
    f"AND ({NOT_FILL} OR c.owner_id IS NULL)",
    "source": "s.source <> '' AND c.source = ''",
    "external_id": f"s.external_id IS NOT NULL AND {KNOWN_ID} IS NULL",
    "custom": f"s.custom IS NOT NULL AND {CUSTOM_THEN} <> c.custom",
    "tags": TAGS,
    "addresses": ADDRESSES,
    "notes": NOTES,
}
CHANGED = (
    "array_remove(ARRAY["
    + ", ".join(f"CASE WHEN {test} THEN '{word}' END" for word, test in CONDITIONS.items())
    + "], NULL)"
)

# What was and what is now, by word, of an update: shown as a diff. Where they name other rows, a third value has the
# ids of those that were: undo goes by them, since a company or a tag may be renamed meanwhile.
NO_IDS = "NULL::jsonb"
BEFORE_AND_AFTER = {
    **{word: (f"c.{word}", f"s.{word}", NO_IDS) for word in ("first_name", "last_name", "title", "phone", "country")},
    "company": ("coalesce(k.name, '')", "s.company", "coalesce(to_jsonb(c.company_id), 'null')"),
    "owner": ("c.owner_id", "s.owner_id", NO_IDS),
    "source": ("c.source", "s.source", NO_IDS),
    # The third value is the tool that has a name: undo takes the id from there.
    "external_id": (KNOWN_ID, "s.external_id", "CASE WHEN %(tool)s <> '' THEN to_jsonb(%(tool)s::text) END"),
    "custom": ("c.custom", CUSTOM_THEN, NO_IDS),
    "notes": ("''::text", "s.note", NO_IDS),
    "tags": (
        "(SELECT coalesce(jsonb_agg(g.name ORDER BY g.name), '[]') FROM contacts_contact_tags t "
        "JOIN contacts_tag g ON g.id = t.tag_id WHERE t.contact_id = c.id)",
        "s.tags",
        "(SELECT coalesce(jsonb_agg(t.tag_id ORDER BY t.tag_id), '[]') FROM contacts_contact_tags t "
        "WHERE t.contact_id = c.id)",
    ),
    "addresses": (
        "(SELECT coalesce(jsonb_agg(o.email ORDER BY r.is_primary DESC, r.id), '[]') FROM contacts_contactaddress r "
        "JOIN bounces_address o ON o.id = r.address_id WHERE r.contact_id = c.id)",
        "s.email || array_remove(coalesce(s.others, '{}'), s.email)",
        "(SELECT coalesce(jsonb_agg(r.address_id ORDER BY r.is_primary DESC, r.id), '[]') "
        "FROM contacts_contactaddress r WHERE r.contact_id = c.id)",
    ),
}
CHANGES = (
    "(SELECT jsonb_object_agg(word, jsonb_build_array(was, is_now) "  # noqa: S608 -- constants
    "|| CASE WHEN ids IS NULL THEN '[]' ELSE jsonb_build_array(ids) END) FROM (VALUES "
    + ", ".join(
        f"('{word}', to_jsonb({was}), to_jsonb({now}), {ids})" for word, (was, now, ids) in BEFORE_AND_AFTER.items()
    )
    + ") AS said(word, was, is_now, ids) WHERE word = ANY(j.changed))"
)
