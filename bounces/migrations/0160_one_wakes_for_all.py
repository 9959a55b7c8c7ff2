"""Of transactions that insert side by side, one notifies.

In PostgreSQL, commits that notify wait for each other, fsync included: requests that come in at once would lose the
commit that they share. The others need not: whoever is woken looks for a while. A table has a lock of its own, so that
a long transaction on one keeps no other quiet.
"""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION bounces_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_NARGS > 0 AND EXISTS (
        SELECT FROM bounces_lease WHERE name = TG_ARGV[0] AND expires_at > clock_timestamp()
    ) THEN
        RETURN NULL;
    END IF;
    IF pg_try_advisory_xact_lock(hashtext('rebound_work'), TG_RELID::integer) THEN
        PERFORM pg_notify('rebound_work', '');
    END IF;
    RETURN NULL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("bounces", "0160_rolling_counts_of_good_failures")]

    operations = [migrations.RunSQL(FUNCTION, migrations.RunSQL.noop)]
