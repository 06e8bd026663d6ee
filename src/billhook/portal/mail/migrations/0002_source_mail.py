from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="outgoingmail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("invitation", "Invitation"),
                    ("code", "Code to sign in"),
                    ("source", "Source that needs somebody"),
                ],
                max_length=10,
            ),
        ),
    ]
