"""What was refused is counted: a submission that fails leaves nothing behind but this, written after everything else of it is undone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from qudao.base.access import Actor
from qudao.base.db import run
from qudao.base.work import once_undone
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused
from qudao.orders.rules import Placing
from qudao.orders.states import reason_of

# Only between partners: whoever names a stranger as the seller is refused, and the stranger hears nothing of it.
KEEP = """INSERT INTO orders_refusal (at, day, seller_id, buyer_id, channel, user_id, by_name, codes, reasons, lines, wrong, digest, tries)
    SELECT %s, %s, %s, %s, %s, %s, %s, %s::text[], %s::text[], %s, %s, %s, 1
    WHERE EXISTS (SELECT FROM agreements_agreement a WHERE a.seller_id = %s AND a.buyer_id = %s)
    ON CONFLICT (buyer_id, day, digest) DO UPDATE SET tries = orders_refusal.tries + 1"""
#: what the columns of lines can count
MOST = 32_000


def keep_refusal(placing: Placing, faults: Sequence[Fault], actor: Actor) -> None:
    """Write one refused submission down; sent again as it was (a retry, a double click) it is the same one, tried once more. One statement."""
    now, codes = clock.now(), sorted({fault.code for fault in faults})
    wrong = {fault.field.split(".")[1] for fault in faults if fault.field.startswith("lines.")}
    asked = [(line.product_id, line.text, str(line.qty.normalize())) for line in placing.lines]
    digest = hashlib.sha256(repr((placing.seller_id, str(actor.channel), actor.user_id, actor.token_id, str(placing.kind), asked, codes)).encode()).hexdigest()
    trade = (placing.seller_id, placing.buyer_id)
    who = (str(actor.channel), actor.user_id, actor.name)
    reasons = sorted({reason_of(code) for code in codes})
    run(KEEP, (now, clock.date_of(now), *trade, *who, codes, reasons, min(len(asked), MOST), min(len(wrong), len(asked), MOST), digest, *trade))


@contextmanager
def counted(placing: Placing, actor: Actor) -> Iterator[None]:
    """Inside an action: what is refused here is counted, if the action as a whole is refused."""
    try:
        yield
    except (Invalid, Refused) as error:
        once_undone(partial(keep_refusal, placing, error.faults, actor))
        raise
