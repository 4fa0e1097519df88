"""A dealer's newest documents of a kind are found along an index; before, each kind read all of its entries. Made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("base", "0008_create_viewstart")]

    operations = [
        AddIndexConcurrently("searchentry", models.Index(fields=["seller_id", "subject_kind", "subject_id"], name="base_searchentry_seller_kind")),
        AddIndexConcurrently("searchentry", models.Index(fields=["buyer_id", "subject_kind", "subject_id"], name="base_searchentry_buyer_kind")),
        RemoveIndexConcurrently("searchentry", "base_searchentry_seller"),
        RemoveIndexConcurrently("searchentry", "base_searchentry_buyer"),
    ]
