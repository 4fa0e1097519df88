"""Filling a basket, ordering it, and each constraint violated once."""

from dataclasses import replace
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from qudao.base.access import system_actor
from qudao.baskets import actions, queries
from qudao.baskets.actions.fill import BasketFacts
from qudao.baskets.models import Basket, Favourite, Line, Template, TemplateLine
from qudao.baskets.rules import MOST_LINES, Entry
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Forbidden, Invalid, NotFound, Refused
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, place


def codes(error):
    return [(fault.code, fault.field) for fault in error.value.faults]


def add(world, *quantities, actor=None, **options):
    """Add quantities of LH's products in order."""
    entries = [Entry(p.pk, D(q)) for p, q in zip(world.products, quantities, strict=False) if q]
    return actions.add_lines(world.agreement.pk, entries, actor=actor or world.dealer, **options)


def held(basket):
    """Product code (or what was typed) → quantity."""
    return {one.product.code if one.product else one.code: one.qty for one in Line.unscoped.filter(basket=basket).select_related("product")}


def test_quantities_add_up_and_are_taken_away_again(world):
    first = add(world, 2, 1)
    again = add(world, 3, -5)
    assert (again.pk, again.version) == (first.pk, first.version + 1)
    assert held(again) == {"P1": D(5)}
    assert held(add(world, -2)) == {"P1": D(3)}


def test_a_repeated_client_id_counts_once(world):
    click = uuid4()
    for _retry in range(3):
        basket = add(world, 2, client_id=click)
    assert held(basket) == {"P1": D(2)}


def test_any_number_of_lines_costs_the_same_statements(world, django_assert_num_queries):
    add(world, 1)
    with django_assert_num_queries(10):  # begin, products, agreement, basket, lines, less, sweep, number, basket, commit
        add(world, 5, 6, -1)


def test_quantities_are_put_and_zero_takes_out(world):
    add(world, 5, 5, 5)
    entries = [Entry(world.products[0].pk, D(12), "箱"), Entry(world.products[1].pk, D(0))]
    basket = actions.put_lines(world.agreement.pk, entries, actor=world.dealer)
    assert held(basket) == {"P1": D(12), "P3": D(5)}
    assert Line.unscoped.get(basket=basket, product=world.products[0]).pack == "箱"


def test_what_could_not_be_read_stays_and_is_written_anew(world):
    entries = [Entry(None, D(3), code="NO-SUCH", file_row=7), Entry(world.products[0].pk, D(0), typed="viel")]
    basket = actions.add_lines(world.agreement.pk, entries, actor=world.dealer)
    assert held(basket) == {"NO-SUCH": D(3), "P1": D(0)}
    unknown, unread = Line.unscoped.filter(basket=basket).order_by("product")[1], Line.unscoped.get(basket=basket, product=world.products[0])
    actions.set_line(unknown.pk, Entry(world.products[1].pk, D(3)), actor=world.dealer)
    actions.set_line(unread.pk, Entry(world.products[0].pk, D(4)), actor=world.dealer)
    assert held(basket) == {"P1": D(4), "P2": D(3)}


def test_a_line_joins_the_one_that_has_its_product(world):
    basket = add(world, 5, 2)
    second = Line.unscoped.get(basket=basket, product=world.products[1])
    actions.set_line(second.pk, Entry(world.products[0].pk, D(2)), actor=world.dealer)
    assert held(basket) == {"P1": D(7)}


def test_lines_are_removed_and_come_back_by_undo(world):
    basket = add(world, 5, 2)
    line = Line.unscoped.get(basket=basket, product=world.products[1])
    actions.remove_line(line.pk, actor=world.dealer)
    with pytest.raises(NotFound):
        actions.remove_line(line.pk, actor=world.dealer)
    assert held(add(world, 0, 2)) == {"P1": D(5), "P2": D(2)}
    actions.set_line(Line.unscoped.get(basket=basket, product=world.products[0]).pk, Entry(world.products[0].pk, D(0)), actor=world.dealer)
    assert held(basket) == {"P2": D(2)}
    actions.clear_basket(basket.pk, actor=world.dealer)
    assert held(basket) == {}


def test_a_basket_is_filled_by_a_person_of_the_buyer_only(world):
    basket = add(world, 1)
    line = Line.unscoped.get(basket=basket)
    for who in (world.cast.hq_admin, world.cast.dealer_admin, world.cast.stranger):
        with pytest.raises(NotFound):
            actions.remove_line(line.pk, actor=who)
        with pytest.raises(NotFound):
            actions.set_line(line.pk, Entry(world.products[0].pk, D(9)), actor=who)
        for verb in (actions.clear_basket, actions.submit_basket):
            with pytest.raises(NotFound):
                verb(basket.pk, actor=who)
    with pytest.raises(Forbidden) as error:
        add(world, 1, actor=world.cast.hq_admin)
    assert codes(error) == [("baskets.not_buyer", "agreement")]
    with pytest.raises(NotFound):
        add(world, 1, actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        add(world, 1, actor=world.cast.hq_clerk)  # has no verb
    with pytest.raises(Forbidden):
        add(world, 1, actor=system_actor())
    assert add(world, 1, actor=world.cast.dealer_admin).pk != basket.pk  # a colleague has a basket of his own


def test_a_hidden_product_and_an_impossible_quantity_are_refused(world):
    with pytest.raises(NotFound):
        actions.add_lines(world.agreement.pk, [Entry(0, D(1))], actor=world.dealer)
    with pytest.raises(Invalid) as error:
        add(world, D("1e9"))
    assert codes(error) == [("baskets.qty_too_large", "lines.1.qty")]
    with pytest.raises(Invalid) as error:
        actions.add_lines(world.agreement.pk, [Entry(None, D(1), code=f"C{n}") for n in range(MOST_LINES + 1)], actor=world.dealer)
    assert codes(error) == [("baskets.too_many_lines", "lines")]
    assert not Basket.unscoped.exists()


def test_submitting_places_the_order_and_empties_the_basket(world):
    basket = add(world, 5, 2)
    actions.describe_basket(world.agreement.pk, BasketFacts(clock.today(), " PO-7 ", "rear gate"), actor=world.dealer)
    order = actions.submit_basket(basket.pk, actor=world.dealer, client_id=uuid4())
    assert (order.line_count, order.po_number, order.note, order.requested_on) == (2, "PO-7", "rear gate", clock.today())
    basket.refresh_from_db()
    assert (held(basket), basket.po_number, basket.note, basket.requested_on) == ({}, "", "", None)
    assert_sound()


def test_a_second_submit_returns_the_order_and_leaves_the_new_basket_alone(world):
    basket, key = add(world, 5), uuid4()
    order = actions.submit_basket(basket.pk, actor=world.dealer, client_id=key)
    add(world, 0, 3)
    assert actions.submit_basket(basket.pk, actor=world.dealer, client_id=key) == order
    assert held(basket) == {"P2": D(3)}
    actions.clear_basket(basket.pk, actor=world.dealer)
    with pytest.raises(Refused) as error:
        actions.submit_basket(basket.pk, actor=world.dealer, client_id=uuid4())
    assert codes(error) == [("baskets.empty", "")]
    assert Order.unscoped.count() == 1


def test_nobody_orders_what_he_did_not_see(world):
    basket = add(world, 5)
    add(world, 1)  # on the phone
    with pytest.raises(Refused) as error:
        actions.submit_basket(basket.pk, version=basket.version, actor=world.dealer)
    assert codes(error) == [("baskets.changed", "")]


def test_a_refused_submit_says_everything_and_keeps_the_basket(world):
    add(world, 5, 1000)
    basket = actions.add_lines(world.agreement.pk, [Entry(None, D(1), code="NO-SUCH")], actor=world.dealer)
    with pytest.raises(DomainError) as error:
        actions.submit_basket(basket.pk, actor=world.dealer, client_id=uuid4())
    assert ("orders.unknown_product", "lines.3.product") in codes(error)
    assert len(held(basket)) == 3 and not Order.unscoped.exists()


def test_an_order_is_put_in_the_basket_again(world):
    order = place(world, 4, 0, 2)
    add(world, 1)
    assert held(actions.reorder(order.pk, actor=world.dealer)) == {"P1": D(5), "P3": D(2)}
    for who in (world.cast.hq_admin, world.cast.stranger):  # one sold it, the other does not see it
        with pytest.raises(NotFound):
            actions.reorder(order.pk, actor=who)


def test_templates_are_saved_shared_loaded_renamed_and_deleted(world):
    basket, colleague = add(world, 4, 2), world.cast.dealer_admin
    actions.add_lines(world.agreement.pk, [Entry(None, D(1), code="X")], actor=world.dealer)
    kept = actions.save_template(basket.pk, " Weekly ", actor=world.dealer)
    assert (kept.name, kept.lines.count()) == ("Weekly", 2)
    with pytest.raises(NotFound):
        actions.load_template(kept.pk, actor=colleague)
    actions.change_template(kept.pk, "Every week", shared=True, actor=world.dealer)
    assert held(actions.load_template(kept.pk, actor=colleague)) == {"P1": D(4), "P2": D(2)}
    assert held(actions.load_template(kept.pk, actor=world.dealer)) == {"P1": D(8), "P2": D(4), "X": D(1)}
    for verb in (lambda who: actions.change_template(kept.pk, "Mine", actor=who), lambda who: actions.remove_template(kept.pk, actor=who)):
        with pytest.raises(Forbidden):
            verb(colleague)
        with pytest.raises(NotFound):
            verb(world.cast.stranger)
    actions.clear_basket(basket.pk, actor=world.dealer)
    add(world, 1)
    again = actions.save_template(basket.pk, "Every week", actor=world.dealer)
    assert (again.pk, again.lines.get().qty, again.shared) == (kept.pk, 1, False)
    assert [one.number for one in queries.templates(world.dealer, world.agreement.pk)] == [1]
    actions.remove_template(kept.pk, actor=world.dealer)
    assert not Template.unscoped.exists() and not TemplateLine.unscoped.exists()


def test_a_template_needs_a_name_of_its_own_and_a_line(world):
    basket = add(world, 1)
    with pytest.raises(Invalid) as error:
        actions.save_template(basket.pk, " ", actor=world.dealer)
    assert codes(error) == [("baskets.name_missing", "name")]
    one, _other = (actions.save_template(basket.pk, name, actor=world.dealer) for name in "AB")
    for name, code in ((" ", "baskets.name_missing"), ("B", "baskets.name_taken")):
        with pytest.raises(Invalid) as error:
            actions.change_template(one.pk, name, actor=world.dealer)
        assert codes(error) == [(code, "name")]
    actions.clear_basket(basket.pk, actor=world.dealer)
    with pytest.raises(Invalid) as error:
        actions.save_template(basket.pk, "C", actor=world.dealer)
    assert codes(error) == [("baskets.nothing_to_save", "name")]


def test_a_favourite_is_marked_and_unmarked(world):
    product = world.products[0]
    for _twice in range(2):
        actions.set_favourite(product.pk, on=True, actor=world.dealer)
    assert [one.product for one in queries.favourites(world.dealer)] == [product]
    assert not queries.favourites(world.cast.dealer_admin)
    for _twice in range(2):
        actions.set_favourite(product.pk, on=False, actor=world.dealer)
    assert not Favourite.unscoped.exists()
    with pytest.raises(NotFound):
        actions.set_favourite(0, on=True, actor=world.dealer)
    with pytest.raises(Forbidden):
        actions.set_favourite(product.pk, on=True, actor=replace(world.dealer, user_id=None))


def _template(line, **facts):
    """A template of the line's basket, kept unless it is named otherwise."""
    made = Template(agreement=line.basket.agreement, org=line.basket.buyer, user_id=1, changed_at=clock.now(), **{"name": "A", **facts})
    if not facts:
        made.save()
    return made


def _again(model, **facts):
    """A second row like one that is there."""
    model.unscoped.create(**facts)
    return model(**facts)


BROKEN = {
    "baskets_basket_user_agreement_unique": lambda x: Basket(
        agreement=x.basket.agreement, buyer=x.basket.buyer, user_id=x.basket.user_id, changed_at=clock.now()
    ),
    "baskets_line_basket_product_unique": lambda x: Line(basket=x.basket, product=x.product, qty=1),
    "baskets_line_qty_not_negative": lambda x: Line(basket=x.basket, code="X", qty=-1),
    "baskets_line_says_something": lambda x: Line(basket=x.basket, qty=1),
    "baskets_template_agreement_user_name_unique": lambda x: _template(x, name=_template(x).name),
    "baskets_template_name_present": lambda x: _template(x, name=""),
    "baskets_templateline_template_product_unique": lambda x: _again(TemplateLine, template=_template(x), product=x.product, qty=1),
    "baskets_templateline_qty_positive": lambda x: TemplateLine(template=_template(x), product=x.product, qty=0),
    "baskets_favourite_user_org_product_unique": lambda x: _again(Favourite, org=x.basket.buyer, user_id=1, product=x.product),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(world, name):
    line = Line.unscoped.select_related("basket__agreement", "product").get(basket=add(world, 1))
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BROKEN[name](line).save(force_insert=True)


def test_every_constraint_is_broken_above():
    named = {c.name for model in (Basket, Line, Template, TemplateLine, Favourite) for c in model._meta.constraints}
    assert named == set(BROKEN)
