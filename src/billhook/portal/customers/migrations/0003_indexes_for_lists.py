import django.db.models.deletion
from django.db import migrations, models

from billhook.portal.fields.without_index import WithoutIndex


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_sources"),
        ("organisations", "0002_plain_rendering"),
    ]

    operations = [
        WithoutIndex(
            model_name="customer",
            name="organisation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="customers",
                to="organisations.organisation",
            ),
        ),
        migrations.AddIndex(
            model_name="customer",
            index=models.Index(
                fields=["organisation", "name", "id", "number"], name="customer_by_name"
            ),
        ),
    ]
