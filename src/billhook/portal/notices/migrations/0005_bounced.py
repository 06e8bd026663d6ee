from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notices", "0004_server_certificate"),
    ]

    operations = [
        # Only the words of the choices change: the database isn't touched.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="noticemailing",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sending", "Being sent"),
                            ("sent", "Sent"),
                            ("failed", "Not sent"),
                            ("uncertain", "Perhaps sent"),
                            ("bounced", "Came back"),
                            ("dropped", "Not needed any more"),
                        ],
                        default="waiting",
                        max_length=9,
                    ),
                ),
            ],
        ),
    ]
