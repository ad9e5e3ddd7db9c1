from django.db import migrations, models

#: Grounds that are stored already; those of a record were worked out together.
TELL = """
    UPDATE retention_ground g SET other_cell = o.cell_id, other_anchor = o.anchor
    FROM retention_ground o
    WHERE g.total = 2 AND o.total = 2 AND o.record_id = g.record_id AND o.id <> g.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("controllers", "0002_warns"),
        ("retention", "0005_mapping"),
        ("subjects", "0005_archive"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="ground",
            name="ground_due_among",
        ),
        migrations.AddField(
            model_name="ground",
            name="other_anchor",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="ground",
            name="other_cell",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunSQL(TELL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="ground",
            index=models.Index(
                condition=models.Q(("anchor__isnull", False), ("total__gt", 1)),
                fields=["cell", "anchor"],
                include=("record", "version", "total", "other_cell", "other_anchor"),
                name="ground_due_among",
            ),
        ),
    ]
