from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("retention", "0006_other_ground"),)

    operations = (
        # How few kinds of grounds there are, which no column alone tells: a simulation counts
        # them, and the planner would not let several processes count what it takes for many.
        migrations.RunSQL(
            "CREATE STATISTICS retention_ground_alike (ndistinct)"
            " ON cell_id, reason, anchor, other_cell, other_anchor FROM retention_ground",
            "DROP STATISTICS retention_ground_alike",
        ),
    )
