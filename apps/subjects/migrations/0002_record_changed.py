"""When a record last changed, for whoever reads only what is new (the API's `updated_since`)."""

import django.db.models.functions.datetime
from django.db import migrations, models

TRIGGER = """
CREATE FUNCTION subjects_record_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := statement_timestamp();
    RETURN NEW;
END
$$;
CREATE TRIGGER record_changed BEFORE UPDATE ON subjects_record FOR EACH ROW
WHEN (OLD.version IS DISTINCT FROM NEW.version OR OLD.state IS DISTINCT FROM NEW.state)
EXECUTE FUNCTION subjects_record_changed();
"""
NO_TRIGGER = """
DROP TRIGGER record_changed ON subjects_record;
DROP FUNCTION subjects_record_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("subjects", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="record",
            name="changed_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), editable=False
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(fields=["controller", "changed_at"], name="record_changed"),
        ),
        migrations.RunSQL(TRIGGER, NO_TRIGGER),
    ]
