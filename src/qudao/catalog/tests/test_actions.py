"""Every change of the catalogue, and each constraint violated once."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.catalog import actions
from qudao.catalog.models import Audience, Brand, Category, Equivalent, Pack, Product, Succession, TaxClass, TaxRate
from qudao.catalog.rules import ProductDraft
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel.errors import DomainError, Forbidden, Invalid, NotFound, Refused
from qudao.network.tests.make import make_org

SYSTEM = system_actor()


def codes(error):
    return [(fault.code, fault.field) for fault in error.value.faults]


def test_a_product_is_registered_with_log_line_and_fact(cast):
    made = make_product(cast.lh, "KT-01", actor=cast.hq_admin, name="空调", gtin="6901234567892")
    assert (made.initials, made.gtin, made.state) == ("kt", "06901234567892", "active")
    (line,) = timeline(actions.subject_of(made))
    assert (line.verb, line.actor_user, line.after) == ("catalog.edit", cast.hq_admin.user_id, "active")
    event = base.Event.unscoped.get(name="catalog.ProductsRegistered")
    assert event.payload == {"owner_id": cast.lh.pk, "product_ids": [made.pk]}


def test_a_taken_code_is_told_at_its_field(cast):
    make_product(cast.lh, "A")
    with pytest.raises(Invalid) as error:
        make_product(cast.lh, "A")
    assert codes(error) == [("catalog.code_taken", "code")]
    make_product(cast.d001, "A")  # another owner may use it


def test_many_products_cost_a_fixed_number_of_statements(cast, django_assert_num_queries):
    drafts = [ProductDraft(f"P{n}", f"产品{n}") for n in range(40)]
    with django_assert_num_queries(5):  # begin, codes, products, log, event, commit
        made = actions.register_products(cast.lh.pk, drafts, actor=SYSTEM)
    assert len({one.pk for one in made}) == 40


def test_all_rows_that_are_wrong_are_told_and_nothing_is_made(cast):
    drafts = [ProductDraft("A", "甲"), ProductDraft("A", "乙"), ProductDraft("B", "", gtin="1")]
    with pytest.raises(Invalid) as error:
        actions.register_products(cast.lh.pk, drafts, actor=SYSTEM)
    assert set(codes(error)) == {("catalog.code_twice", "rows.1.code"), ("catalog.name_missing", "rows.2.name"), ("catalog.gtin_wrong", "rows.2.gtin")}
    assert not Product.unscoped.exists()


def test_only_who_acts_for_the_owner_registers(cast):
    with pytest.raises(Forbidden):
        make_product(cast.d001, "A", actor=cast.hq_admin)  # sees the dealer, does not act for it
    with pytest.raises(NotFound):
        make_product(cast.d002, "A", actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        make_product(cast.lh, "A", actor=cast.hq_clerk)  # may not keep products
    supplier = make_org("supplier", "SUP", cast.d001)
    make_product(supplier, "A", actor=cast.dealer_admin)  # an outside supplier has nobody here


def test_a_change_is_logged_with_before_and_after(cast):
    product = make_product(cast.lh, "A", name="甲")
    changed = actions.change_product(product.pk, ProductDraft("A", "乙", unit="台", min_qty=Decimal(2)), actor=cast.hq_admin)
    assert (changed.name, changed.initials, changed.min_qty) == ("乙", "y", 2)
    assert timeline(actions.subject_of(product)).last().detail["name"] == ["甲", "乙"]
    make_product(cast.lh, "B")
    with pytest.raises(Invalid) as error:
        actions.change_product(product.pk, ProductDraft("B", "乙", unit=""), actor=SYSTEM)
    assert set(codes(error)) == {("catalog.unit_missing", "unit"), ("catalog.code_taken", "code")}
    with pytest.raises(NotFound):
        actions.change_product(product.pk, ProductDraft("A", "丙"), actor=cast.dealer_admin)


def test_a_product_is_blocked_once_and_unblocked_once(cast):
    product = make_product(cast.lh, "A")
    assert actions.block_product(product.pk, "recall", actor=cast.hq_admin).state == "blocked"
    with pytest.raises(Refused) as error:
        actions.block_product(product.pk, "", actor=SYSTEM)
    assert codes(error) == [("catalog.already_blocked", "")]
    assert actions.unblock_product(product.pk, actor=SYSTEM).state == "active"
    with pytest.raises(Refused) as error:
        actions.unblock_product(product.pk, actor=SYSTEM)
    assert codes(error) == [("catalog.not_blocked", "")]
    assert base.Event.unscoped.filter(name="catalog.ProductStateChanged").count() == 2


def test_packs_are_set_changed_and_removed(cast):
    product = make_product(cast.lh, "A")
    pack = actions.set_pack(product.pk, "箱", Decimal(12), gtin="16901234567899", actor=cast.hq_admin)
    again = actions.set_pack(product.pk, "箱", Decimal(24), actor=cast.hq_admin)
    assert (again.pk, again.factor) == (pack.pk, 24)
    with pytest.raises(Invalid) as error:
        actions.set_pack(product.pk, "", Decimal(0), gtin="1", actor=SYSTEM)
    assert len(error.value.faults) == 3
    actions.remove_pack(pack.pk, actor=cast.hq_admin)
    assert not Pack.unscoped.exists()
    with pytest.raises(NotFound):
        actions.remove_pack(pack.pk, actor=SYSTEM)


def test_a_category_carries_its_branch_when_it_moves(cast):
    a, b = make_category(cast.lh, "A"), make_category(cast.lh, "B")
    below = make_category(cast.lh, "A1", a)
    assert below.path == f"/{a.pk}/{below.pk}/"
    moved = actions.change_category(a.pk, actions.CategoryDraft("A", "甲", parent_id=b.pk), actor=cast.hq_admin)
    assert moved.path == f"/{b.pk}/{a.pk}/"
    assert Category.unscoped.get(pk=below.pk).path == f"/{b.pk}/{a.pk}/{below.pk}/"
    with pytest.raises(Invalid) as error:
        actions.change_category(b.pk, actions.CategoryDraft("B", "乙", parent_id=below.pk), actor=SYSTEM)
    assert codes(error) == [("catalog.category_loop", "parent_id")]


def test_a_category_of_another_owner_is_refused(cast):
    theirs = make_category(cast.d001, "X")
    with pytest.raises(Invalid) as error:
        make_product(cast.lh, "A", category_id=theirs.pk)
    assert codes(error) == [("catalog.category_foreign", "category_id")]
    with pytest.raises(Invalid):
        make_category(cast.lh, "Y", theirs)
    with pytest.raises(Invalid):
        make_category(cast.lh, "")


def test_a_repeated_client_id_returns_the_first_product(cast):
    first = actions.register_product(cast.lh.pk, ProductDraft("A", "甲"), actor=cast.hq_admin, client_id="5f0c7f0e-0001")
    again = actions.register_product(cast.lh.pk, ProductDraft("A", "甲"), actor=cast.hq_admin, client_id="5f0c7f0e-0001")
    assert first.pk == again.pk


BROKEN = {
    "catalog_product_owner_code_unique": lambda p: Product(owner=p.owner, code=p.code, name="x", unit="x", tax_rate=0),
    "catalog_product_owner_gtin_unique": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, gtin=p.gtin),
    "catalog_product_gtin_valid": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, gtin="06901234567893"),
    "catalog_product_code_name_unit_present": lambda p: Product(owner=p.owner, code="x", name="", unit="x", tax_rate=0),
    "catalog_product_tax_rate_range": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=1),
    "catalog_product_min_qty_pack_multiple_positive": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, pack_multiple=0),
    "catalog_product_max_qty_reaches_min": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, min_qty=6, max_qty=5),
    "catalog_product_picture_is_hash": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, picture="cat.jpg"),
    "catalog_product_state_known": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, state="odd"),
    "catalog_category_owner_code_unique": lambda p: Category(owner=p.owner, code="C", name="x"),
    "catalog_category_code_name_present": lambda p: Category(owner=p.owner, code="x", name=""),
    "catalog_category_parent_not_itself": lambda p: Category(pk=999999, parent_id=999999, owner=p.owner, code="x", name="x"),
    "catalog_pack_product_name_unique": lambda p: Pack(product=p, name="箱", factor=1),
    "catalog_pack_factor_positive": lambda p: Pack(product=p, name="x", factor=0),
    "catalog_pack_gtin_valid": lambda p: Pack(product=p, name="x", factor=1, gtin="123"),
    "catalog_product_lead_days_sane": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, lead_days=261),
    "catalog_product_weight_volume_not_negative": lambda p: Product(owner=p.owner, code="x", name="x", unit="x", tax_rate=0, weight=-1),
    "catalog_brand_owner_code_unique": lambda p: Brand(owner=p.owner, code="B", name="x"),
    "catalog_brand_code_name_present": lambda p: Brand(owner=p.owner, code="", name="x"),
    "catalog_taxclass_owner_code_unique": lambda p: TaxClass(owner=p.owner, code="T", name="x"),
    "catalog_taxclass_code_name_present": lambda p: TaxClass(owner=p.owner, code="", name="x"),
    "catalog_taxrate_class_valid_from_unique": lambda p: TaxRate(tax_class=TaxClass.unscoped.get(), valid_from="2026-01-01", rate=0),
    "catalog_taxrate_rate_range": lambda p: TaxRate(tax_class=TaxClass.unscoped.get(), valid_from="2026-02-01", rate=1),
    "catalog_succession_not_itself": lambda p: Succession(product=p, successor=p, valid_from="2026-01-01"),
    "catalog_audience_viewer_owner_unique": lambda p: Audience(owner=p.owner, viewer=p.seen_by),
    "catalog_audience_viewer_not_owner": lambda p: Audience(owner=p.owner, viewer=p.owner),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(cast, name):
    product = make_product(cast.lh, "A", gtin="6901234567892")
    make_category(cast.lh, "C")
    Pack.unscoped.create(product=product, name="箱", factor=2)
    Audience.unscoped.create(owner=cast.lh, viewer=cast.d001)
    Brand.unscoped.create(owner=cast.lh, code="B", name="x")
    TaxRate.unscoped.create(tax_class=TaxClass.unscoped.create(owner=cast.lh, code="T", name="x"), valid_from="2026-01-01", rate=0)
    product.seen_by = cast.d001
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BROKEN[name](product).save(force_insert=True)


def test_every_constraint_is_broken_above():
    named = {c.name for model in (Product, Category, Pack, Audience, Brand, Succession, Equivalent, TaxClass, TaxRate) for c in model._meta.constraints}
    assert named == set(BROKEN)


def test_a_violated_constraint_becomes_a_refusal(cast, monkeypatch):
    make_product(cast.lh, "A")
    monkeypatch.setattr(actions.products, "_taken", lambda *args: [])  # as in a race: the check saw nothing
    with pytest.raises(DomainError) as error:
        make_product(cast.lh, "A")
    assert codes(error) == [("catalog.product_owner_code_unique", "")]
