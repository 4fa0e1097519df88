"""What a page asks its pulse for: a signed mark of what is shown and to whom, so that asking needs neither session nor rights anew.

The mark stands in the page, lives a working day and opens nothing: the answer is only whether to load the page again, which passes the door.
"""

from __future__ import annotations

from typing import Any

from django.core import signing

from qudao.base.access import Actor
from qudao.kernel import clock

SALT = "pulse"
#: seconds after which a page that was never loaded again stops asking
LIFE = 12 * 3600


def mark_of(actor: Actor, kind: str, obj: Any = None) -> str:
    """The mark of a list of a kind, of one document of it, or ("" and None) of everything the actor sees; with the moment the page was made."""
    sides = [getattr(obj, "seller_id", None), getattr(obj, "buyer_id", None)]
    return signing.dumps([actor.org_id, str(actor.scope), actor.org_path, kind, getattr(obj, "pk", None), *sides, clock.now().timestamp()], salt=SALT)
