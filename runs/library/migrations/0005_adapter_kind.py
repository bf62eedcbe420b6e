from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("library", "0004_merged_from"),
    ]

    operations = [
        migrations.AddField(
            model_name="librarymodel",
            name="adapter_kind",
            field=models.CharField(blank=True, default="", max_length=40),
        ),
    ]
