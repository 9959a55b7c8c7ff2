"""Names that other rows go by stay as they are: bounces keep the name of their rule, items that of their source."""

from django.db import migrations

STAYS = """
CREATE FUNCTION bounces_refuse_new_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'other rows go by this %: it stays as it is', TG_ARGV[0] USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER ruleoverride_name_stays BEFORE UPDATE OF name ON bounces_ruleoverride
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION bounces_refuse_new_name('name');
CREATE TRIGGER intakesource_name_stays BEFORE UPDATE OF name ON bounces_intakesource
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION bounces_refuse_new_name('name');
"""
STAYS_BACK = """
DROP TRIGGER intakesource_name_stays ON bounces_intakesource;
DROP TRIGGER ruleoverride_name_stays ON bounces_ruleoverride;
DROP FUNCTION bounces_refuse_new_name();
"""


class Migration(migrations.Migration):
    dependencies = [("bounces", "0087_outbox_receiver")]

    operations = [migrations.RunSQL(STAYS, STAYS_BACK)]
