"""Who sees which products, for the module above that knows why."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

from qudao.base.access import Actor
from qudao.base.action import emit, part
from qudao.base.db import rows, run
from qudao.base.subject import Subject
from qudao.catalog.events import AudienceDue


@part
def set_audience(viewer_ids: Iterable[int], pairs: Mapping[tuple[int, int], int | None] | Iterable[tuple[int, int]], *, actor: Actor) -> None:
    """Make (owner, viewer) `pairs` everything these viewers see beyond their own products: adds what is missing, removes the rest.

    A mapping also names the set of products (`keep_hidden`) that the viewer does not see of the owner, None for none. Two statements.
    """
    hidden = dict(pairs) if isinstance(pairs, Mapping) else dict.fromkeys(pairs)
    wanted = sorted((owner, viewer) for owner, viewer in hidden if owner != viewer)
    owners, viewers, sets = [one[0] for one in wanted], [one[1] for one in wanted], [hidden[one] for one in wanted]
    run(
        """delete from catalog_audience a where a.viewer_id = any(%s::bigint[])
           and not exists (select from unnest(%s::bigint[], %s::bigint[]) as p(owner_id, viewer_id)
                           where p.owner_id = a.owner_id and p.viewer_id = a.viewer_id)""",
        [sorted(set(viewer_ids)), owners, viewers],
    )
    run(
        """insert into catalog_audience (owner_id, viewer_id, hidden_id) select * from unnest(%s::bigint[], %s::bigint[], %s::bigint[])
           on conflict (viewer_id, owner_id) do update set hidden_id = excluded.hidden_id
                 where catalog_audience.hidden_id is distinct from excluded.hidden_id""",
        [owners, viewers, sets],
    )


@part
def tell_due(seller_id: int, buyer_ids: Iterable[int], subject: Subject, *, actor: Actor) -> None:
    """Say that what a seller shows (to these buyers; none: to all) is to be worked out again, because of `subject`. Emits AudienceDue."""
    emit(AudienceDue(seller_id, sorted(set(buyer_ids))), subject)


@part
def keep_hidden(sets: Iterable[Collection[int]], *, actor: Actor) -> dict[frozenset[int], int]:
    """The ids of the sets of these products, made where there are none; an empty one has none. At most two statements."""
    digests = {digest_of(one): frozenset(one) for one in sets if one}
    if not digests:
        return {}
    # what is there is written once more, so that nobody takes it away before this transaction ends
    made = rows(
        """insert into catalog_hiddenset (digest) select * from unnest(%s::text[]) on conflict (digest) do update set digest = excluded.digest
           returning id, digest, xmax = 0""",
        [sorted(digests)],
    )
    members = [(pk, product) for pk, digest, new in made if new for product in digests[digest]]
    if members:
        run(
            "insert into catalog_hiddenproduct (hidden_id, product_id) select * from unnest(%s::bigint[], %s::bigint[])",
            [[pk for pk, _product in members], [product for _pk, product in members]],
        )
    return {digests[digest]: pk for pk, digest, _new in made}


@part
def drop_hidden(but: Iterable[int], *, actor: Actor) -> None:
    """Forget the sets that nobody names any more, neither an audience nor the module above, which says what it names. Two statements."""
    unused = [
        pk
        for (pk,) in rows(
            """select s.id from catalog_hiddenset s where s.id <> all(%s::bigint[])
                and not exists (select from catalog_audience a where a.hidden_id = s.id) order by 1 for update skip locked""",
            [sorted(set(but))],
        )
    ]
    if unused:
        run("delete from catalog_hiddenproduct where hidden_id = any(%s::bigint[])", [unused])
        run("delete from catalog_hiddenset where id = any(%s::bigint[])", [unused])


def digest_of(product_ids: Iterable[int]) -> str:
    """The hash of some products, whatever their order."""
    return hashlib.md5(",".join(map(str, sorted(product_ids))).encode(), usedforsecurity=False).hexdigest()
