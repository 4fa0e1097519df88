"""Deposits have accounts of their own in the books."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0003_create_chart'),
        ('network', '0007_add_gs1_prefix'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='entryline',
            name='ledger_entryline_account_known',
        ),
        migrations.AlterField(
            model_name='balance',
            name='account',
            field=models.CharField(choices=[('receivable', 'Receivable'), ('payable', 'Payable'), ('revenue', 'Revenue'), ('purchases', 'Purchases'), ('output_tax', 'Output tax'), ('input_tax', 'Input tax'), ('bank', 'Bank'), ('unapplied_in', 'Payments received, not yet applied'), ('unapplied_out', 'Payments made, not yet applied'), ('discount', 'Cash discount'), ('write_off', 'Small differences written off'), ('opening', 'Opening balance'), ('deposit_in', 'Deposits received'), ('deposit_out', 'Deposits paid')], max_length=16),
        ),
        migrations.AlterField(
            model_name='entryline',
            name='account',
            field=models.CharField(choices=[('receivable', 'Receivable'), ('payable', 'Payable'), ('revenue', 'Revenue'), ('purchases', 'Purchases'), ('output_tax', 'Output tax'), ('input_tax', 'Input tax'), ('bank', 'Bank'), ('unapplied_in', 'Payments received, not yet applied'), ('unapplied_out', 'Payments made, not yet applied'), ('discount', 'Cash discount'), ('write_off', 'Small differences written off'), ('opening', 'Opening balance'), ('deposit_in', 'Deposits received'), ('deposit_out', 'Deposits paid')], max_length=16),
        ),
        migrations.AlterField(
            model_name='mapping',
            name='account',
            field=models.CharField(choices=[('receivable', 'Receivable'), ('payable', 'Payable'), ('revenue', 'Revenue'), ('purchases', 'Purchases'), ('output_tax', 'Output tax'), ('input_tax', 'Input tax'), ('bank', 'Bank'), ('unapplied_in', 'Payments received, not yet applied'), ('unapplied_out', 'Payments made, not yet applied'), ('discount', 'Cash discount'), ('write_off', 'Small differences written off'), ('opening', 'Opening balance'), ('deposit_in', 'Deposits received'), ('deposit_out', 'Deposits paid')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='entryline',
            constraint=models.CheckConstraint(condition=models.Q(('account__in', ['receivable', 'payable', 'revenue', 'purchases', 'output_tax', 'input_tax', 'bank', 'unapplied_in', 'unapplied_out', 'discount', 'write_off', 'opening', 'deposit_in', 'deposit_out'])), name='ledger_entryline_account_known', violation_error_message='There is no such account.'),
        ),
    ]

