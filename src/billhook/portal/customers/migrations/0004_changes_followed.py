from typing import Any

from django.db import migrations, models
from django.db.models.functions import Now


def fill(apps: Any, schema_editor: Any) -> None:
    """Let the customers be as they were when they were created: nobody has noted a change."""
    customers = apps.get_model("customers", "Customer").objects.using(
        schema_editor.connection.alias
    )
    customers.update(changed_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_indexes_for_lists"),
        ("integrations", "0008_key_scopes"),
        ("organisations", "0003_source_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="changed_at",
            field=models.DateTimeField(auto_now=True, db_default=Now()),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                fields=["organisation", "changed_at", "id"], name="customer_by_changed_at"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
