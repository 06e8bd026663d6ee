from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0002_reported"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncsource",
            name="certificate_ends",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="syncsource",
            name="certificate_seen_at",
            field=models.DateTimeField(null=True),
        ),
    ]
