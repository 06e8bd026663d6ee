from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0001_initial"),
    ]

    operations = [
        # One choice more: the database isn't touched.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="webhookevent",
                    name="kind",
                    field=models.CharField(
                        choices=[
                            ("invoice.viewed", "Invoice viewed"),
                            ("invoice.downloaded", "Invoice downloaded"),
                            ("document.failing", "Document failing"),
                            ("sync.failing", "Sync failing"),
                            ("contact.signed_in", "Contact signed in"),
                            ("webhook.test", "Test"),
                        ],
                        max_length=40,
                    ),
                ),
            ],
        ),
    ]
