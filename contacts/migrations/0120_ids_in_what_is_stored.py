"""Stored filters and import runs name tags, companies and campaigns by their ids; keys that others go by stay."""

from django.db import migrations, models

STAYS = """
CREATE TRIGGER campaign_key_stays BEFORE UPDATE OF key ON contacts_campaign
    FOR EACH ROW WHEN (OLD.key IS DISTINCT FROM NEW.key) EXECUTE FUNCTION bounces_refuse_new_name('key');
CREATE TRIGGER customfield_key_stays BEFORE UPDATE OF key ON contacts_customfield
    FOR EACH ROW WHEN (OLD.key IS DISTINCT FROM NEW.key) EXECUTE FUNCTION bounces_refuse_new_name('key');
"""
STAYS_BACK = """
DROP TRIGGER customfield_key_stays ON contacts_customfield;
DROP TRIGGER campaign_key_stays ON contacts_campaign;
"""
# What was, by id, beside what was by name; not where the name is nothing's any more.
CHANGES = """
UPDATE contacts_importrow r SET changes = jsonb_set(r.changes, '{company}', r.changes -> 'company' || jsonb_build_array(
    (SELECT k.id FROM contacts_company k WHERE lower(k.name) = lower(r.changes #>> '{company,0}'))))
WHERE r.changes ? 'company' AND jsonb_array_length(r.changes -> 'company') = 2
  AND (r.changes #>> '{company,0}' = ''
       OR EXISTS (SELECT FROM contacts_company k WHERE lower(k.name) = lower(r.changes #>> '{company,0}')));

UPDATE contacts_importrow r SET changes = jsonb_set(r.changes, '{tags}', r.changes -> 'tags' || jsonb_build_array(
    (SELECT coalesce(jsonb_agg(t.id ORDER BY t.id), '[]') FROM jsonb_array_elements_text(r.changes #> '{tags,0}') AS was(name)
     JOIN contacts_tag t ON lower(t.name) = lower(was.name))))
WHERE r.changes ? 'tags' AND jsonb_array_length(r.changes -> 'tags') = 2
  AND NOT EXISTS (
      SELECT FROM jsonb_array_elements_text(r.changes #> '{tags,0}') AS was(name)
      WHERE NOT EXISTS (SELECT FROM contacts_tag t WHERE lower(t.name) = lower(was.name)));

UPDATE contacts_importrow r SET changes = jsonb_set(r.changes, '{addresses}', r.changes -> 'addresses' || jsonb_build_array(
    (SELECT coalesce(jsonb_agg(a.id ORDER BY was.place), '[]')
     FROM jsonb_array_elements_text(r.changes #> '{addresses,0}') WITH ORDINALITY AS was(email, place)
     JOIN bounces_address a ON a.email = was.email)))
WHERE r.changes ? 'addresses' AND jsonb_array_length(r.changes -> 'addresses') = 2;
"""


def keep_ids(apps, schema_editor):
    tags = {name.lower(): pk for pk, name in apps.get_model("contacts", "Tag").objects.values_list("pk", "name")}
    company = apps.get_model("contacts", "Company").objects
    campaigns = dict(apps.get_model("contacts", "Campaign").objects.values_list("key", "pk"))

    def company_id(name):
        if name.isdecimal():
            return int(name)
        found = company.extra(where=["lower(name) = lower(%s)"], params=[name]).values_list("pk", flat=True).first()
        return found if found else name

    find = {
        "tag": lambda name: tags.get(name.lower(), name),
        "company": lambda name: name if name == "none" else company_id(name),
        "campaign": lambda key: campaigns.get(key, key),
        "owner": lambda text: int(text) if text.isdecimal() else text,
        "segment": lambda text: int(text) if text.isdecimal() else text,
    }

    def stored(words):
        return {word: _each(find[word], values) if word in find else values for word, values in words.items()}

    for segment in apps.get_model("contacts", "Segment").objects.iterator():
        if isinstance(segment.filter, dict):
            segment.filter = stored(segment.filter)
            segment.save(update_fields=["filter"])
    for export in apps.get_model("contacts", "Export").objects.filter(subject="contacts").iterator():
        export.params = stored(export.params)
        export.save(update_fields=["params"])
    for run in apps.get_model("contacts", "ImportRun").objects.exclude(options={}).iterator():
        names = run.options.get("tags", [])
        run.options["tag_ids"] = {name: tags[name.lower()] for name in names if name.lower() in tags}
        run.save(update_fields=["options"])


def _each(find, values):
    listed = values if isinstance(values, list) else [values]
    return [find(value.strip()) if isinstance(value, str) else value for value in listed]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0113_how_a_file_is_read"), ("bounces", "0120_names_that_stay")]

    operations = [
        migrations.AlterField(
            "importrow",
            "changes",
            models.JSONField(help_text="Of an update, by word: what was, what is now, ids of what was.", null=True),
        ),
        migrations.RunSQL(STAYS, STAYS_BACK),
        migrations.RunSQL(CHANGES, migrations.RunSQL.noop),
        migrations.RunPython(keep_ids, migrations.RunPython.noop),
    ]
