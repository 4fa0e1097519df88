"""Parcels of a shipment. Each is found by its number, written as scanners read it: without the zeros in front, and whole."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

from qudao.base.search import Source, searchable

FOUND = Source(
    table="fulfilment_package",
    kind="fulfilment.package",
    number="ltrim(r.sscc, '0')",
    texts="r.sscc",
    columns="sscc",
    seller="(SELECT s.seller_id FROM fulfilment_shipment s WHERE s.id = r.shipment_id)",
    buyer="(SELECT s.buyer_id FROM fulfilment_shipment s WHERE s.id = r.shipment_id)",
)
# A parcel is taken apart as long as it has not left; nobody looks for its number then.
FORGET = """
CREATE FUNCTION fulfilment_package_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM base_searchentry WHERE subject_kind = 'fulfilment.package' AND subject_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER fulfilment_package_forgotten AFTER DELETE ON fulfilment_package FOR EACH ROW EXECUTE FUNCTION fulfilment_package_forgotten();
"""
REMEMBER = "DROP TRIGGER fulfilment_package_forgotten ON fulfilment_package; DROP FUNCTION fulfilment_package_forgotten()"


class Migration(migrations.Migration):

    dependencies = [
        ('base', '0004_create_searchentry'),
        ('fulfilment', '0007_change_plan'),
    ]

    operations = [
        migrations.CreateModel(
            name='Package',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('no', models.PositiveSmallIntegerField()),
                ('kind', models.CharField(choices=[('carton', 'Carton'), ('pallet', 'Pallet'), ('other', 'Other')], max_length=6)),
                ('sscc', models.CharField(max_length=18)),
                ('weight', models.DecimalField(blank=True, decimal_places=3, max_digits=10, null=True)),
                ('at', models.DateTimeField()),
                ('packed_by', models.BigIntegerField(blank=True, null=True)),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='PackageLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('qty', models.DecimalField(decimal_places=4, max_digits=18)),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='shipmentline',
            name='packed',
            field=models.DecimalField(db_default=0, decimal_places=4, default=0, max_digits=18),
        ),
        migrations.AddConstraint(
            model_name='shipmentline',
            constraint=models.CheckConstraint(condition=models.Q(('packed__gte', 0), ('packed__lte', models.F('qty'))), name='fulfilment_shipmentline_packed_fits', violation_error_message='More is in parcels than was picked.'),
        ),
        migrations.AddField(
            model_name='package',
            name='shipment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='packages', to='fulfilment.shipment'),
        ),
        migrations.AddField(
            model_name='packageline',
            name='line',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='fulfilment.shipmentline'),
        ),
        migrations.AddField(
            model_name='packageline',
            name='package',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='fulfilment.package'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.UniqueConstraint(fields=('sscc',), name='fulfilment_package_sscc_unique', violation_error_message='Another parcel has this number.'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.UniqueConstraint(fields=('shipment', 'no'), name='fulfilment_package_no_unique', violation_error_message='The shipment already has this parcel.'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['carton', 'pallet', 'other']), ('sscc__regex', '^[0-9]{18}$')), name='fulfilment_package_sscc_digits', violation_error_message='A parcel has a kind, and a number of 18 digits.'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.CheckConstraint(condition=models.Q(('weight', None), ('weight__gte', 0), _connector='OR'), name='fulfilment_package_weight_not_negative', violation_error_message='The weight is never less than zero.'),
        ),
        migrations.AddConstraint(
            model_name='packageline',
            constraint=models.UniqueConstraint(fields=('package', 'line'), name='fulfilment_packageline_line_unique', violation_error_message='The line is already in the parcel.'),
        ),
        migrations.AddConstraint(
            model_name='packageline',
            constraint=models.CheckConstraint(condition=models.Q(('qty__gt', 0)), name='fulfilment_packageline_qty_positive', violation_error_message='The quantity must be more than zero.'),
        ),
        searchable(FOUND),
        migrations.RunSQL(sql=FORGET, reverse_sql=REMEMBER),
    ]
