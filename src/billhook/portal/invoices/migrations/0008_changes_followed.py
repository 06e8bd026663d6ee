from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0004_changes_followed"),
        ("integrations", "0008_key_scopes"),
        ("invoices", "0007_indexes_of_customers"),
        ("organisations", "0003_source_mail"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="invoice",
            index=models.Index(
                fields=["organisation", "changed_at", "id"], name="invoice_by_changed_at"
            ),
        ),
    ]
