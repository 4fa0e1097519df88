from django.db import migrations

#: "messages.*" would give everybody the new right to write texts for the whole organisation
SQL = """
UPDATE people_role SET verbs = array_remove(verbs, 'messages.*') || ARRAY['messages.view', 'messages.write', 'messages.assign']::varchar[]
 WHERE 'messages.*' = ANY (verbs);
UPDATE people_role SET verbs = verbs || ARRAY['messages.edit_texts']::varchar[]
 WHERE code = 'dealer_admin' AND owner_id IS NULL AND NOT 'messages.edit_texts' = ANY (verbs);
"""


class Migration(migrations.Migration):
    """Rights of notices are named one by one; a dealer's administrator may write the texts of the own organisation."""

    dependencies = [("people", "0002_add_department_manager")]
    operations = [migrations.RunSQL(SQL, migrations.RunSQL.noop)]
