import django.db.models.deletion
from django.db import migrations, models

from billhook.portal.fields.without_index import WithoutIndex


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_indexes_for_lists"),
        ("integrations", "0008_key_scopes"),
        ("invoices", "0006_hidden_index"),
        ("organisations", "0003_source_mail"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="invoice",
            name="invoice_by_open_amount",
        ),
        WithoutIndex(
            model_name="invoice",
            name="customer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="invoices",
                to="customers.customer",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                fields=["customer", "currency", "status", "hidden_at"], name="invoice_of_customer"
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None), ("status__in", ("open", "part_paid"))),
                fields=[
                    "customer",
                    "currency",
                    "due_on",
                    "open_amount",
                    "type",
                    "status",
                    "hidden_at",
                    "issued_on",
                    "id",
                ],
                name="invoice_unsettled_of_one",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=[
                    "organisation",
                    "open_amount",
                    "number",
                    "id",
                    "type",
                    "status",
                    "currency",
                    "due_on",
                    "amount",
                    "hidden_at",
                    "issued_on",
                    "customer",
                ],
                name="invoice_by_open_amount",
            ),
        ),
    ]
