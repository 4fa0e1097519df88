"""Every change of the catalogue. Products are locked before they change; registration needs no lock (the unique codes decide a race)."""

from qudao.catalog.actions.audience import drop_hidden, keep_hidden, set_audience, tell_due
from qudao.catalog.actions.categories import CategoryDraft, change_category, register_category, remove_category
from qudao.catalog.actions.costs import remove_costs, set_cost, set_costs
from qudao.catalog.actions.packs import remove_pack, remove_packs, set_pack, set_packs
from qudao.catalog.actions.products import (
    block_product,
    change_product,
    change_products,
    register_product,
    register_products,
    remove_picture,
    remove_products,
    set_picture,
    subject_of,
    unblock_product,
)
from qudao.catalog.actions.related import change_brand, join_equivalents, leave_equivalents, register_brand, remove_brand, remove_successor, set_successor
from qudao.catalog.actions.tax import adopt_vat, change_tax_class, follow_tax_rates, register_tax_class, set_tax_rate

__all__ = [
    "adopt_vat", "change_tax_class", "follow_tax_rates", "register_tax_class", "set_tax_rate",
    "CategoryDraft", "block_product", "change_brand", "change_category", "change_product", "change_products", "drop_hidden", "join_equivalents", "keep_hidden",
    "leave_equivalents",
    "register_brand", "register_category", "register_product", "register_products", "remove_brand", "remove_pack",
    "remove_packs", "remove_category", "remove_picture", "remove_products",
    "remove_costs", "remove_successor", "set_audience", "set_cost", "set_costs", "set_pack", "set_packs", "set_picture", "set_successor", "subject_of",
    "tell_due",
    "unblock_product",
]  # fmt: skip
