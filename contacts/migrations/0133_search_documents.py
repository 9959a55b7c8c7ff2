"""Search documents: what they hold, and triggers that keep them up to date whoever writes; names by which lists sort.

Existing contacts get theirs anew: on a million some two minutes, in which contacts are locked.
"""

import django.contrib.postgres.indexes
from django.db import migrations, models

import contacts.folding

# The bodies name other functions by what they are now: PostgreSQL builds indexes with a `search_path` of its own.
#
# pg_trgm takes only ASCII for letters where the database's LC_CTYPE is C, as the private one's is: it would find no
# trigram in a Cyrillic name, and read the whole index. So other characters stand as ~code~.
SEARCHABLE = """
CREATE FUNCTION contacts_searchable_wide(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (
    SELECT CASE WHEN octet_length(folded) = length(folded) THEN folded ELSE (
        SELECT string_agg(CASE WHEN ascii(letter) < 128 THEN letter ELSE '~' || to_hex(ascii(letter)) || '~' END, ''
                          ORDER BY place)
          FROM unnest(string_to_array(folded, NULL)) WITH ORDINALITY AS apart(letter, place)
    ) END FROM (SELECT contacts_folded_wide($1)) AS text(folded)
);
CREATE FUNCTION contacts_searchable(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN octet_length($1) = length($1) THEN lower($1 COLLATE "C") ELSE contacts_searchable_wide($1) END;
"""
# The Punycode of RFC 3492, section 6.2: a label without its "xn--" -> its letters; as it is where it is not Punycode.
UNICODE = """
CREATE FUNCTION contacts_unicode_label(label text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    dash int := length(label) - position('-' in reverse(label));
    letters text[] := CASE WHEN position('-' in label) > 0 THEN string_to_array(left(label, dash), NULL) ELSE '{}' END;
    rest text := CASE WHEN position('-' in label) > 0 THEN substr(label, dash + 2) ELSE label END;
    code int := 128; place int := 0; bias int := 72; before int; weight bigint; step int; digit int; least int;
    delta bigint; at int := 1; number int; total bigint := 0;
BEGIN
    WHILE at <= length(rest) LOOP
        before := place; weight := 1; step := 36; total := place;
        LOOP
            digit := position(substr(rest, at, 1) in 'abcdefghijklmnopqrstuvwxyz0123456789') - 1;
            IF at > length(rest) OR digit < 0 THEN RETURN 'xn--' || label; END IF;
            at := at + 1;
            total := total + digit * weight;
            least := CASE WHEN step <= bias THEN 1 WHEN step >= bias + 26 THEN 26 ELSE step - bias END;
            EXIT WHEN digit < least;
            weight := weight * (36 - least);
            step := step + 36;
            IF weight > 1114111 OR total > 71303167 THEN RETURN 'xn--' || label; END IF;
        END LOOP;
        number := coalesce(array_length(letters, 1), 0) + 1;
        delta := CASE WHEN before = 0 THEN (total - before) / 700 ELSE (total - before) / 2 END;
        delta := delta + delta / number;
        bias := 0;
        WHILE delta > 455 LOOP
            delta := delta / 35;
            bias := bias + 36;
        END LOOP;
        bias := bias + 36 * delta / (delta + 38);
        code := code + total / number;
        place := total % number;
        IF code > 1114111 OR code BETWEEN 55296 AND 57343 THEN RETURN 'xn--' || label; END IF;
        letters := letters[:place] || chr(code) || letters[place + 1:];
        place := place + 1;
    END LOOP;
    RETURN array_to_string(letters, '');
END $$;
CREATE FUNCTION contacts_unicode_address(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (
    SELECT split_part($1, '@', 1) || '@' || string_agg(
               CASE WHEN label LIKE 'xn--%' THEN contacts_unicode_label(substr(label, 5)) ELSE label END, '.'
               ORDER BY place)
      FROM string_to_table(split_part($1, '@', -1), '.') WITH ORDINALITY AS apart(label, place)
);
"""
# Of the parts of a contact. Begins and ends with a blank, as do all its words. An address of an international domain
# stands in both forms. PostgreSQL inlines it, which it does not do with a subquery: those have functions of their own.
DOCUMENT = """
CREATE FUNCTION contacts_unicode_addresses(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (
    SELECT coalesce(string_agg(contacts_searchable(contacts_unicode_address(email)) || ' ', '' ORDER BY place), '')
      FROM string_to_table($1, ' ') WITH ORDINALITY AS apart(email, place) WHERE email LIKE '%xn--%'
);
CREATE FUNCTION contacts_tag_words(text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN (
    SELECT coalesce(string_agg(DISTINCT contacts_searchable(tag) || ' ', ''), '') FROM unnest($1) AS apart(tag)
);
CREATE FUNCTION contacts_document(
    first_name text, last_name text, title text, company text, emails text, phone text, tags text[]
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    ' ' || contacts_searchable(coalesce(first_name, '')) || ' ' || contacts_searchable(coalesce(last_name, ''))
    || ' ' || contacts_searchable(coalesce(title, '')) || ' ' || contacts_searchable(coalesce(company, ''))
    || ' ' || contacts_searchable(coalesce(emails, '')) || ' '
    || CASE WHEN emails LIKE '%xn--%' THEN contacts_unicode_addresses(emails) ELSE '' END
    || translate(contacts_searchable(coalesce(phone, '')), ' +-./()', '') || ' '
    || CASE WHEN tags <> '{}' THEN contacts_tag_words(tags) ELSE '' END;
CREATE FUNCTION contacts_words(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    ' ' || contacts_searchable($1);
"""
# What of a document one word of a search is like. One or two letters begin a word of it: a trigram has three. As
# Django's own pattern of a value, with a backslash in front of what is a wildcard.
PATTERN = r"""
CREATE FUNCTION contacts_pattern(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    SELECT CASE WHEN length(word) < 3 THEN '% ' ELSE '%' END
           || replace(replace(replace(word, '\', '\\'), '%', '\%'), '_', '\_') || '%'
      FROM (SELECT contacts_searchable($1)) AS text(word)
);
"""
# NULL for the nameless: they come last. The tab sorts before all letters, so that "Li, Zoe" comes before "Li Bai".
SORT_NAME = r"""
CREATE FUNCTION contacts_sort_name(first_name text, last_name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN nullif(CASE WHEN last_name = '' THEN contacts_folded(first_name) WHEN first_name = '' THEN contacts_folded(last_name)
                   ELSE contacts_folded(last_name) || E'\t' || contacts_folded(first_name) END, '');
"""
# `document = NULL` asks for it anew. Where it was right, nothing is written. Whoever writes it otherwise is overruled,
# as an object that was read before a tag was added and is saved afterwards.
# The company is held where it is a new one: whoever renames it at this moment would not see this contact.
# `contacts.documents = 'given'` says that a statement brings the documents of all that it writes (bulk writers).
KEEP = """
CREATE FUNCTION contacts_write_document() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_asked boolean := NEW.document IS NULL;
    company text;
BEGIN
    IF NEW.company_id IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.company_id IS DISTINCT FROM OLD.company_id) THEN
        SELECT name INTO company FROM contacts_company WHERE id = NEW.company_id FOR SHARE;
    ELSE
        SELECT name INTO company FROM contacts_company WHERE id = NEW.company_id;
    END IF;
    NEW.document := contacts_document(
        NEW.first_name, NEW.last_name, NEW.title, company,
        (SELECT string_agg(address.email, ' ' ORDER BY reached.id)
           FROM contacts_contactaddress AS reached JOIN bounces_address AS address ON address.id = reached.address_id
          WHERE reached.contact_id = NEW.id),
        NEW.phone,
        ARRAY(SELECT tag.name FROM contacts_contact_tags AS held JOIN contacts_tag AS tag ON tag.id = held.tag_id
               WHERE held.contact_id = NEW.id));
    IF is_asked AND TG_OP = 'UPDATE' AND NEW.document = OLD.document THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION contacts_ask_for_documents(contact_ids bigint[]) RETURNS void LANGUAGE sql AS $$
    UPDATE contacts_contact SET document = NULL WHERE id IN (
        SELECT id FROM contacts_contact WHERE id = ANY(contact_ids) ORDER BY id FOR NO KEY UPDATE
    )
$$;

CREATE FUNCTION contacts_document_of_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contacts_ask_for_documents(ARRAY(SELECT DISTINCT contact_id FROM changed));
    RETURN NULL;
END $$;

CREATE FUNCTION contacts_document_of_moved_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contacts_ask_for_documents(ARRAY[OLD.contact_id, NEW.contact_id]);
    RETURN NULL;
END $$;

CREATE FUNCTION contacts_document_of_company() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contacts_ask_for_documents(ARRAY(SELECT id FROM contacts_contact WHERE company_id = NEW.id));
    RETURN NULL;
END $$;

CREATE FUNCTION contacts_document_of_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contacts_ask_for_documents(ARRAY(SELECT contact_id FROM contacts_contact_tags WHERE tag_id = NEW.id));
    RETURN NULL;
END $$;

CREATE FUNCTION contacts_document_of_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM contacts_ask_for_documents(ARRAY(SELECT contact_id FROM contacts_contactaddress WHERE address_id = NEW.id));
    RETURN NULL;
END $$;
"""

UNLESS_GIVEN = "current_setting('contacts.documents', true) IS DISTINCT FROM 'given'"
TRIGGERS = """
CREATE TRIGGER document_of_new BEFORE INSERT ON contacts_contact FOR EACH ROW
    WHEN (NEW.document = '') EXECUTE FUNCTION contacts_write_document();
CREATE TRIGGER document_of_changed BEFORE UPDATE ON contacts_contact FOR EACH ROW
    WHEN (NEW.document IS DISTINCT FROM OLD.document OR NEW.first_name <> OLD.first_name
          OR NEW.last_name <> OLD.last_name OR NEW.title <> OLD.title OR NEW.phone <> OLD.phone
          OR NEW.company_id IS DISTINCT FROM OLD.company_id)
    EXECUTE FUNCTION contacts_write_document();
CREATE TRIGGER document_of_company AFTER UPDATE OF name ON contacts_company FOR EACH ROW
    WHEN (NEW.name <> OLD.name) EXECUTE FUNCTION contacts_document_of_company();
CREATE TRIGGER document_of_tag AFTER UPDATE OF name ON contacts_tag FOR EACH ROW
    WHEN (NEW.name <> OLD.name) EXECUTE FUNCTION contacts_document_of_tag();
CREATE TRIGGER document_of_address AFTER UPDATE OF email ON bounces_address FOR EACH ROW
    WHEN (NEW.email <> OLD.email) EXECUTE FUNCTION contacts_document_of_address();
""" + "".join(
    f"""
CREATE TRIGGER document_of_added AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN ({UNLESS_GIVEN}) EXECUTE FUNCTION contacts_document_of_rows();
CREATE TRIGGER document_of_removed AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    WHEN ({UNLESS_GIVEN}) EXECUTE FUNCTION contacts_document_of_rows();
CREATE TRIGGER document_of_moved AFTER UPDATE OF contact_id, {other} ON {table} FOR EACH ROW
    WHEN (NEW.contact_id <> OLD.contact_id OR NEW.{other} <> OLD.{other})
    EXECUTE FUNCTION contacts_document_of_moved_row();
"""
    for table, other in (("contacts_contactaddress", "address_id"), ("contacts_contact_tags", "tag_id"))
)
BACK = (
    "".join(
        f"DROP TRIGGER {name} ON {table};"
        for table, names in {
            "contacts_contact": ("document_of_new", "document_of_changed"),
            "contacts_company": ("document_of_company",),
            "contacts_tag": ("document_of_tag",),
            "bounces_address": ("document_of_address",),
            "contacts_contactaddress": ("document_of_added", "document_of_removed", "document_of_moved"),
            "contacts_contact_tags": ("document_of_added", "document_of_removed", "document_of_moved"),
        }.items()
        for name in names
    )
    + """
DROP FUNCTION contacts_document_of_address(), contacts_document_of_tag(), contacts_document_of_company(),
    contacts_document_of_moved_row(), contacts_document_of_rows(), contacts_ask_for_documents(bigint[]),
    contacts_write_document(), contacts_sort_name(text, text), contacts_pattern(text), contacts_words(text),
    contacts_document(text, text, text, text, text, text, text[]), contacts_tag_words(text[]),
    contacts_unicode_addresses(text), contacts_unicode_address(text), contacts_unicode_label(text),
    contacts_searchable(text), contacts_searchable_wide(text);
"""
)
WRITE = """
UPDATE contacts_contact AS contact SET document = contacts_document(
    first_name, last_name, title, (SELECT name FROM contacts_company AS company WHERE company.id = contact.company_id),
    (SELECT string_agg(address.email, ' ' ORDER BY reached.id)
       FROM contacts_contactaddress AS reached JOIN bounces_address AS address ON address.id = reached.address_id
      WHERE reached.contact_id = contact.id),
    phone,
    ARRAY(SELECT tag.name FROM contacts_contact_tags AS held JOIN contacts_tag AS tag ON tag.id = held.tag_id
           WHERE held.contact_id = contact.id))
"""
# Of a document no two are alike: the planner guesses by samples how many hold a word, and goes by the index of the
# words or of the order. With the usual hundred it takes one in a thousand for one in a hundred.
STATISTICS = "ALTER TABLE contacts_contact ALTER COLUMN document SET STATISTICS 1000"
STATISTICS_BACK = "ALTER TABLE contacts_contact ALTER COLUMN document SET STATISTICS -1"


class Migration(migrations.Migration):
    dependencies = [("contacts", "0132_duplicates_and_merges"), ("bounces", "0161_forwarded_to")]

    operations = [
        migrations.RunSQL([SEARCHABLE, UNICODE, DOCUMENT, PATTERN, SORT_NAME, KEEP], migrations.RunSQL.noop),
        migrations.RemoveIndex("contact", "contact_search"),
        migrations.RemoveIndex("contact", "contact_name"),
        migrations.RemoveIndex("company", "company_search"),
        migrations.RunSQL([WRITE, STATISTICS], STATISTICS_BACK),
        migrations.RunSQL(TRIGGERS, BACK),
        migrations.AddField(
            "contact",
            "sort_name",
            models.GeneratedField(
                db_persist=True,
                expression=contacts.folding.SortName("first_name", "last_name"),
                output_field=models.TextField(null=True),
            ),
        ),
        migrations.AddField(
            "company",
            "sort_name",
            models.GeneratedField(
                db_persist=True, expression=contacts.folding.Folded("name"), output_field=models.TextField()
            ),
        ),
        migrations.AddIndex(
            "contact",
            models.Index(
                fields=["sort_name", "id"], name="contact_sort_name", condition=models.Q(deleted_at__isnull=True)
            ),
        ),
        migrations.AddIndex("contactexternalid", models.Index(fields=["external_id"], name="contactexternalid_by_id")),
        migrations.AddIndex("company", models.Index(fields=["sort_name", "id"], name="company_sort_name")),
        migrations.AddIndex(
            "contact",
            django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("document", name="gin_trgm_ops"), name="contact_search"
            ),
        ),
        migrations.AddIndex(
            "company",
            django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(contacts.folding.Words("name"), name="gin_trgm_ops"),
                name="company_search",
            ),
        ),
    ]
