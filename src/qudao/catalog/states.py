"""The states of a product and the sentences of this module, as data."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ProductState(TextChoices):
    ACTIVE = "active", _("Active")
    BLOCKED = "blocked", _("Blocked")


#: the most working days that goods leave after their order
MOST_LEAD_DAYS = 260

SENTENCES = {
    "catalog.product_unknown": _("There is no such product."),
    "catalog.category_unknown": _("There is no such category."),
    "catalog.code_missing": _("A product needs a code."),
    "catalog.name_missing": _("A product needs a name."),
    "catalog.unit_missing": _("A product needs a base unit."),
    "catalog.code_taken": _("The code {code} already belongs to another product."),
    "catalog.code_twice": _("The code {code} appears more than once."),
    "catalog.code_stays": _("The code of a product cannot be changed here."),
    "catalog.built_on": _("The product is already used: {where}."),
    "catalog.gtin_taken": _("The product {code} has this GTIN."),
    "catalog.gtin_wrong": _("{gtin} is not a valid GTIN: its check digit or length is wrong."),
    "catalog.tax_rate_wrong": _("The tax rate must lie between 0 and 1; 13 % is written 0.13."),
    "catalog.min_qty_wrong": _("The smallest quantity must not be negative."),
    "catalog.max_qty_wrong": _("The largest quantity must not be below the smallest one; 0 means there is none."),
    "catalog.lead_days_wrong": _("Goods leave 0 to {most} working days after the order; 0: as the terms say."),
    "catalog.multiple_wrong": _("The quantity step must be greater than zero."),
    "catalog.cost_negative": _("A cost must not be below zero."),
    "catalog.factor_wrong": _("A pack must hold more than zero base units."),
    "catalog.tax_class_incomplete": _("A tax class needs a code and a name."),
    "catalog.tax_class_taken": _("Another tax class has the code {taken}."),
    "catalog.tax_class_foreign": _("The tax class belongs to another organisation."),
    "catalog.tax_class_unknown": _("There is no such tax class."),
    "catalog.tax_exempt": _("An exempt class has no rate."),
    "catalog.size_wrong": _("Weight and volume must not be negative."),
    "catalog.brand_incomplete": _("A brand needs a code and a name."),
    "catalog.brand_taken": _("Another brand has the code {code}."),
    "catalog.brand_foreign": _("The brand belongs to another organisation."),
    "catalog.brand_used": _("The brand {brand} is still used: {where}."),
    "catalog.tax_exempt_stays": _("A known class stays exempt or not: make another class."),
    "catalog.brand_unknown": _("There is no such brand."),
    "catalog.successor_itself": _("A product cannot succeed itself."),
    "catalog.successor_loop": _("{product} is itself to be succeeded by {before}, step by step."),
    "catalog.successor_foreign": _("Both products must be of the same owner."),
    "catalog.successor_none": _("{product} has no successor."),
    "catalog.equivalent_few": _("At least two products can stand in for one another."),
    "catalog.equivalent_none": _("Nothing stands in for {product}."),
    "catalog.not_owner": _("Only the organisation that owns the products may do this."),
    "catalog.already_blocked": _("The product {product} is already blocked."),
    "catalog.not_blocked": _("The product {product} is not blocked."),
    "catalog.category_foreign": _("The category belongs to another organisation."),
    "catalog.category_loop": _("A category cannot lie inside itself."),
    "catalog.category_taken": _("Another category has the code {code}."),
    "catalog.category_used": _("The category {category} is not empty: {where}."),
    "catalog.nothing_changed": _("Nothing was changed."),
    "catalog.picture_unreadable": _("This file is not a picture that can be read."),
    "catalog.picture_size": _("The picture must have some content and at most {most} MB."),
    "catalog.picture_pixels": _("The picture has more than {most} million pixels."),
    "catalog.below_min": _("The smallest quantity of {code} is {min_qty}."),
    "catalog.wrong_multiple": _("{code} is sold in steps of {multiple}: take {lower} or {upper}."),
}

REMEDIES = {
    "catalog.built_on": _("Block it instead."),
    "catalog.category_used": _("Move what it holds into another category first."),
    "catalog.gtin_taken": _("Look which of the two is right."),
    "catalog.code_taken": _("Choose another code, or change the existing product."),
    "catalog.gtin_wrong": _("Scan the barcode again, or leave the field empty."),
    "catalog.not_owner": _("Ask the owner of the product to change it."),
    "catalog.picture_unreadable": _("Send a JPEG, PNG or WebP file."),
    "catalog.picture_size": _("Send a smaller picture; 480 pixels are enough."),
    "catalog.picture_pixels": _("Send a smaller picture; 480 pixels are enough."),
    "catalog.below_min": _("Order at least the smallest quantity."),
    "catalog.wrong_multiple": _("Take one of the two nearest quantities."),
}
