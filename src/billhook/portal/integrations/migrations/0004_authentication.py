from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0003_keep_order"),
    ]

    operations = [
        migrations.RenameField(
            model_name="integration", old_name="sign_in", new_name="authentication"
        ),
    ]
