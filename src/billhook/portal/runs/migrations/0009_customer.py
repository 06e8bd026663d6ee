"""The customer whose statement a run was for; nothing is filled in for older runs."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_indexes_for_lists"),
        ("integrations", "0008_key_scopes"),
        ("invoices", "0006_hidden_index"),
        ("organisations", "0003_source_mail"),
        ("runs", "0008_pay"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="customers.customer",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("customer__isnull", False)),
                fields=["customer"],
                name="run_of_customer",
            ),
        ),
    ]
