"""Runs that lead to a payment page. The database stores any kind, so nothing changes there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0007_sign_in"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="run",
                    name="kind",
                    field=models.CharField(
                        choices=[
                            ("view", "View"),
                            ("download", "Download"),
                            ("view-as", "View as contact"),
                            ("try", "Try"),
                            ("api", "API"),
                            ("mail", "Attached to a mail"),
                            ("check", "Nightly check"),
                            ("sign-in", "Sign-in"),
                            ("pay", "Pay"),
                        ],
                        max_length=10,
                    ),
                )
            ]
        ),
    ]
