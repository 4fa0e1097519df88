"""Templates and favourites: what a person orders again and again."""

from __future__ import annotations

from qudao.base.access import Actor
from qudao.base.action import action
from qudao.base.db import run
from qudao.base.lock import Rank, lock_one
from qudao.baskets import queries
from qudao.baskets.actions.fill import add_lines
from qudao.baskets.models import Basket, Favourite, Template, TemplateLine
from qudao.baskets.rules import Entry
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound

COPY = """INSERT INTO baskets_templateline (template_id, product_id, qty, pack)
    SELECT %s, product_id, qty, pack FROM baskets_line WHERE basket_id = %s AND product_id IS NOT NULL AND qty > 0 ORDER BY id"""


@action("baskets.use")
def save_template(basket_id: int, name: str, *, shared: bool = False, actor: Actor) -> Template:
    """Keep the lines of an own basket under a name; a template of this name that the actor made is written anew. Locks the basket.

    `shared` = everybody of the own organisation may load it. Raises Invalid without a name or without a line.
    """
    basket = queries.basket(actor, basket_id)
    basket = lock_one(Basket, basket.pk, rank=Rank.NETWORK)
    name = name.strip()[:60]
    if not name:
        raise Invalid("baskets.name_missing", field="name")
    facts = {"org_id": basket.buyer_id, "user_name": actor.name[:120], "shared": shared, "changed_at": clock.now()}
    made, _new = Template.unscoped.update_or_create(agreement_id=basket.agreement_id, user_id=basket.user_id, name=name, defaults=facts)
    TemplateLine.unscoped.filter(template=made).delete()
    if not run(COPY, (made.pk, basket.pk)):
        raise Invalid("baskets.nothing_to_save", field="name")
    return made


def _own(template_id: int, actor: Actor) -> Template:
    """A template the actor made, locked; Forbidden for one that a colleague shares."""
    if queries.template(actor, template_id).user_id != actor.user_id and actor.kind != "system":
        raise Forbidden("base.forbidden", verb="baskets.use")
    return lock_one(Template, template_id, rank=Rank.NETWORK)


@action("baskets.use")
def change_template(template_id: int, name: str, *, shared: bool = False, actor: Actor) -> Template:
    """Rename an own template, share it or keep it private. Locks it. Raises Invalid at `name`, Forbidden for a colleague's."""
    template, name = _own(template_id, actor), name.strip()[:60]
    if not name:
        raise Invalid("baskets.name_missing", field="name")
    others = Template.unscoped.filter(agreement_id=template.agreement_id, user_id=template.user_id, name=name).exclude(pk=template.pk)
    if others.exists():
        raise Invalid("baskets.name_taken", field="name")
    template.name, template.shared, template.changed_at = name, shared, clock.now()
    template.save(update_fields=["name", "shared", "changed_at"])
    return template


@action("baskets.use")
def remove_template(template_id: int, *, actor: Actor) -> None:
    """Delete an own template. Locks it; Forbidden for a colleague's."""
    _own(template_id, actor).delete()


@action("baskets.use")
def load_template(template_id: int, *, actor: Actor) -> Basket:
    """Add what a template keeps to the actor's basket under its agreement. Locks the basket; NotFound for a template that is not shared."""
    template = queries.template(actor, template_id)
    lines = [Entry(one.product_id, one.qty, one.pack) for one in queries.template_lines(actor, template.pk)]
    return add_lines(template.agreement_id, lines, actor=actor)


@action("baskets.use")
def unload_template(template_id: int, *, actor: Actor) -> Basket:
    """Take what a template keeps out of the actor's basket, of each product at most what is there. Locks the basket; NotFound as `load_template`."""
    template = queries.template(actor, template_id)
    lines = [Entry(one.product_id, -one.qty, one.pack) for one in queries.template_lines(actor, template.pk)]
    return add_lines(template.agreement_id, lines, actor=actor)


@action("baskets.use")
def set_favourite(product_id: int, *, on: bool, actor: Actor) -> None:
    """Mark a product, or unmark it; twice is as good as once. NotFound for a hidden product."""
    if not queries.visible_products(actor, [product_id]):
        raise NotFound("base.not_found")
    if actor.user_id is None:
        raise Forbidden("baskets.no_person")
    mine = {"org_id": actor.org_id, "user_id": actor.user_id, "product_id": product_id}
    if on:
        Favourite.unscoped.bulk_create([Favourite(**mine)], ignore_conflicts=True)
    else:
        Favourite.unscoped.filter(**mine).delete()
