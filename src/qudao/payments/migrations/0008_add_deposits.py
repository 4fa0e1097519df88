"""A payment may come from a deposit."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agreements', '0005_add_prepaid'),
        ('network', '0007_add_gs1_prefix'),
        ('payments', '0007_add_differences'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='payment',
            name='payments_payment_method_known',
        ),
        migrations.AlterField(
            model_name='payment',
            name='method',
            field=models.CharField(choices=[('transfer', 'Bank transfer'), ('card', 'Card'), ('wallet', 'Mobile wallet'), ('cash', 'Cash'), ('draft', 'Acceptance draft'), ('other', 'Other'), ('credit_note', 'Credit note'), ('deposit', 'From the deposit')], default='transfer', max_length=12),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('method__in', ['transfer', 'card', 'wallet', 'cash', 'draft', 'other', 'credit_note', 'deposit'])), name='payments_payment_method_known', violation_error_message='There is no such way of paying.'),
        ),
    ]

