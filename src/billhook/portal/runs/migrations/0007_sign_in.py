"""Runs that sign people in. The database stores any kind, so nothing changes there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0006_mail_and_check"),
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
                        ],
                        max_length=10,
                    ),
                )
            ]
        ),
    ]
