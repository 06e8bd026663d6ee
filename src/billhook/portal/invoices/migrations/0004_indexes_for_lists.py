import django.db.models.deletion
from django.db import migrations, models

from billhook.portal.fields.without_index import WithoutIndex


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_indexes_for_lists"),
        ("invoices", "0003_sources"),
        ("organisations", "0002_plain_rendering"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="invoice",
            name="invoice_newest_first",
        ),
        migrations.RemoveIndex(
            model_name="invoice",
            name="invoice_number",
        ),
        WithoutIndex(
            model_name="invoice",
            name="organisation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="invoices",
                to="organisations.organisation",
            ),
        ),
        migrations.CreateModel(
            name="OpenSum",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("organisation_id", models.CharField(max_length=12)),
                ("currency", models.CharField(max_length=3)),
                ("due_on", models.DateField(null=True)),
                ("open_amount", models.DecimalField(decimal_places=3, max_digits=24)),
                ("credit_amount", models.DecimalField(decimal_places=3, max_digits=24)),
            ],
        ),
        migrations.AddIndex(
            model_name="opensum",
            index=models.Index(fields=["organisation_id", "currency", "due_on"], name="open_sum"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=[
                    "organisation",
                    "issued_on",
                    "number",
                    "id",
                    "type",
                    "status",
                    "currency",
                    "due_on",
                    "amount",
                    "open_amount",
                    "hidden_at",
                    "customer",
                ],
                name="invoice_list",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=[
                    "customer",
                    "issued_on",
                    "number",
                    "id",
                    "type",
                    "status",
                    "currency",
                    "due_on",
                    "amount",
                    "open_amount",
                    "hidden_at",
                ],
                name="invoice_list_of_one",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(fields=["organisation", "number", "id"], name="invoice_by_number"),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=["organisation", "due_on", "number", "id"],
                name="invoice_by_due_on",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=["organisation", "amount", "number", "id"],
                name="invoice_by_amount",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=["organisation", "open_amount", "number", "id"],
                name="invoice_by_open_amount",
            ),
        ),
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                condition=models.Q(("hidden_at", None)),
                fields=["organisation", "currency", "issued_on", "number", "id"],
                name="invoice_by_currency",
            ),
        ),
    ]
