
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import imagen.models.money
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('imagen', '0002_gateways_and_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='purses',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='job',
            name='rate',
            field=models.DecimalField(decimal_places=10, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='job',
            name='stake',
            field=imagen.models.money.MoneyField(default=0, verbose_name='set aside'),
        ),
        migrations.AddField(
            model_name='job',
            name='stake_unit',
            field=models.CharField(default='USD', max_length=3),
        ),
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('everybody', 'everybody together'), ('each', 'each person'), ('group', 'one group together'), ('person', 'one person')], default='everybody', max_length=10, verbose_name='whose')),
                ('period', models.CharField(choices=[('day', 'a day'), ('month', 'a month')], default='month', max_length=5, verbose_name='for')),
                ('limit', imagen.models.money.MoneyField(help_text='0 allows only what is free.', validators=[django.core.validators.MinValueValidator(0)], verbose_name='limit')),
                ('currency', models.CharField(default='USD', editable=False, max_length=3, verbose_name='currency')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='made')),
                ('group', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='auth.group', verbose_name='group')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'budget',
                'verbose_name_plural': 'budgets',
                'ordering': ('scope', 'period', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('what', models.CharField(choices=[('reserved', 'set aside'), ('captured', 'spent'), ('released', 'given back'), ('corrected', 'corrected')], max_length=10, verbose_name='what')),
                ('reserved', imagen.models.money.MoneyField(verbose_name='set aside')),
                ('spent', imagen.models.money.MoneyField(verbose_name='spent')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('generation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='imagen.generation', verbose_name='request')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='imagen.job', verbose_name='call')),
            ],
            options={
                'verbose_name': 'ledger entry',
                'verbose_name_plural': 'ledger',
                'ordering': ('at', 'pk'),
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='Purse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=80)),
                ('period', models.CharField(choices=[('day', 'a day'), ('month', 'a month')], max_length=5, verbose_name='for')),
                ('starts_on', models.DateField(verbose_name='from')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('extra', imagen.models.money.MoneyField(default=0, verbose_name='granted on top')),
                ('spent', imagen.models.money.MoneyField(default=0, verbose_name='spent')),
                ('reserved', imagen.models.money.MoneyField(default=0, verbose_name='set aside')),
                ('budget', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='purses', to='imagen.budget', verbose_name='budget')),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'purse',
                'verbose_name_plural': 'purses',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Plea',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('wanted', imagen.models.money.MoneyField(validators=[django.core.validators.MinValueValidator(0)], verbose_name='how much more')),
                ('reason', models.CharField(blank=True, default='', max_length=500, verbose_name='why')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('answer', models.CharField(choices=[('open', 'waiting for an answer'), ('granted', 'granted once'), ('raised', 'limit raised'), ('declined', 'declined')], default='open', max_length=10, verbose_name='answer')),
                ('note', models.CharField(blank=True, default='', max_length=500, verbose_name='note')),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='answered by')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
                ('purse', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pleas', to='imagen.purse', verbose_name='budget')),
            ],
            options={
                'verbose_name': 'request for more money',
                'verbose_name_plural': 'requests for more money',
                'ordering': ('-asked_at', '-pk'),
                'default_permissions': ('view',),
            },
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('limit__gte', 0)), name='imagen_budget_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('group__isnull', False), ('scope', 'group'), ('user', None)), models.Q(('group', None), ('scope', 'person'), ('user__isnull', False)), models.Q(('group', None), ('scope__in', ('everybody', 'each')), ('user', None)), _connector='OR'), name='imagen_budget_whose', violation_error_message='Name the group or the person this budget is for, and nobody else.'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(condition=models.Q(('scope__in', ('everybody', 'each'))), fields=('scope', 'period'), name='imagen_budget_one_for_all', violation_error_message='There is such a budget already. Change that one.'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(condition=models.Q(('scope', 'group')), fields=('group', 'period'), name='imagen_budget_one_a_group', violation_error_message='This group has such a budget already. Change that one.'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.UniqueConstraint(condition=models.Q(('scope', 'person')), fields=('user', 'period'), name='imagen_budget_one_a_person', violation_error_message='This person has such a budget already. Change that one.'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['at'], name='imagen_entry_at'),
        ),
        migrations.AddConstraint(
            model_name='purse',
            constraint=models.UniqueConstraint(fields=('key', 'starts_on', 'currency'), name='imagen_purse_unique'),
        ),
        migrations.AddConstraint(
            model_name='plea',
            constraint=models.CheckConstraint(condition=models.Q(('wanted__gt', 0)), name='imagen_plea_wants_something'),
        ),
        migrations.AddConstraint(
            model_name='plea',
            constraint=models.UniqueConstraint(condition=models.Q(('answer', 'open')), fields=('user', 'purse'), name='imagen_plea_one_open'),
        ),
    ]
