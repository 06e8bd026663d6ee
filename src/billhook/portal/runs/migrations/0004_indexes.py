import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from billhook.portal.fields.without_index import WithoutIndex


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0006_changes_and_order"),
        ("invoices", "0003_sources"),
        ("organisations", "0002_plain_rendering"),
        ("runs", "0003_view_as"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="run",
            name="run_newest_first",
        ),
        migrations.RemoveIndex(
            model_name="run",
            name="run_oldest",
        ),
        WithoutIndex(
            model_name="run",
            name="api_key",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to="integrations.apikey",
            ),
        ),
        WithoutIndex(
            model_name="run",
            name="integration",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="runs",
                to="integrations.integration",
            ),
        ),
        WithoutIndex(
            model_name="run",
            name="invoice",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="runs",
                to="invoices.invoice",
            ),
        ),
        WithoutIndex(
            model_name="run",
            name="organisation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="runs",
                to="organisations.organisation",
            ),
        ),
        WithoutIndex(
            model_name="run",
            name="part_of",
            field=models.CharField(blank=True, max_length=12),
        ),
        WithoutIndex(
            model_name="run",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["organisation", "started_at", "id", "kind", "outcome", "integration"],
                name="run_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("outcome", "ok"), _negated=True),
                fields=["organisation", "started_at", "id"],
                name="run_failed",
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                fields=["integration", "started_at", "id", "outcome"], name="run_of_integration"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["invoice", "started_at", "id"], name="run_of_invoice"),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("user__isnull", False)), fields=["user"], name="run_of_user"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("part_of__gt", "")), fields=["part_of"], name="run_of_click"
            ),
        ),
    ]
