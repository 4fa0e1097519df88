"""What an organisation tells its people instead of the standard texts of notices."""

from __future__ import annotations

from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.kernel.errors import Invalid, raise_if_any
from qudao.messages import queries, rules
from qudao.messages.models import Wording
from qudao.messages.rules import WordingDraft


@action("messages.edit_texts")
def save_wording(code: str, language: str, draft: WordingDraft, *, actor: Actor) -> Wording:
    """Write the own organisation's text of a kind of notice in one language; it counts at once, also for notices that are there. The same again changes
    nothing. Raises Invalid at the field, NotFound for an unknown kind.
    """
    told, draft = queries.told_kind(actor, code, language), draft.clean()
    raise_if_any(rules.wording_faults(draft, told.known), Invalid)
    return _write(code, language, draft, actor)


@action("messages.edit_texts")
def reset_wording(code: str, language: str, *, actor: Actor) -> Wording | None:
    """Let the standard text count again; the log keeps what was. None when there was no own one."""
    if language not in queries.told_kind(actor, code, language).own:
        return None
    return _write(code, language, WordingDraft(), actor)


def _write(code: str, language: str, draft: WordingDraft, actor: Actor) -> Wording:
    Wording.unscoped.bulk_create([Wording(org_id=actor.org_id, code=code, language=language)], ignore_conflicts=True)
    found = Wording.unscoped.select_for_update().get(org_id=actor.org_id, code=code, language=language)
    changed = {name: [getattr(found, name), new] for name, new in (("subject", draft.subject), ("text", draft.text)) if getattr(found, name) != new}
    if changed:
        found.subject, found.text = draft.subject, draft.text
        found.save(update_fields=["subject", "text"])
        record(found.log_subject, detail=changed)
    return found
