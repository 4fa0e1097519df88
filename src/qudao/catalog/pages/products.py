"""Pages of products: the list, the card with its packs, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.base.access import policy_of
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Bulk, Button, DetailPage, FormPage, Head, ListPage, NoFields, Panel, Skip, door, import_buttons
from qudao.catalog import actions, queries
from qudao.catalog.forms import PackForm, PictureForm, ProductForm, ReasonForm
from qudao.catalog.models import Product
from qudao.catalog.pages.costs import cost_buttons, cost_panel
from qudao.catalog.pages.related import replacements_panel
from qudao.catalog.rules import PICTURE, THUMB
from qudao.catalog.states import ProductState
from qudao.catalog.tables import TONES, ProductTable, name_of, percent
from qudao.kernel.errors import NotFound


class ProductList(ListPage):
    """The products the reader may see."""

    verb = "catalog.view"
    query = queries.products
    table = ProductTable
    title = gettext_lazy("Products")

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "block", _("Block"), actions.block_product, "catalog.block", icon="ban", danger=True, form=ReasonForm,
                skips=[Skip(Q(state=ProductState.BLOCKED), _("they are blocked already"))], says=_("They take no new orders. What is ordered goes on."),
            ),
            Bulk(
                "unblock", _("Unblock"), actions.unblock_product, "catalog.block", icon="lock-open",
                skips=[Skip(Q(state=ProductState.ACTIVE), _("they can be ordered already"))], says=_("They can be ordered again."),
            ),
        ]  # fmt: skip

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("catalog.products", self.actor),
            Button(_("Categories"), reverse("categories"), icon="sitemap", verb="catalog.edit"),
            Button(_("Brands"), reverse("brands"), icon="star", verb="catalog.edit"),
            Button(_("Tax classes"), reverse("tax_classes"), icon="receipt-2", verb="catalog.edit"),
            *([Button(_("Costs"), reverse("costs"), icon="coins", verb="catalog.view")] if self.actor.sees("trade.cost") else []),
            Button(_("Register product"), reverse("product_new"), icon="plus", primary=True, verb="catalog.edit", key="n"),
        ]


def card_panel(request: HttpRequest, product: Product) -> Panel:
    """What is written about the product."""
    facts = [
        (_("English name"), product.name_en),
        (_("Barcode"), product.gtin),
        (_("Category"), name_of(product.category)),
        (_("Brand"), name_of(product.brand)),
        (_("Base unit"), figures.unit(product.unit)),
        (_("Weight"), f"{figures.qty(product.weight)} kg" if product.weight else ""),
        (_("Volume"), f"{product.volume.normalize():f} m³" if product.volume else ""),
        (_("Tax rate"), f"{percent(product)} {name_of(product.tax_class)}".strip()),
        (_("Smallest quantity"), figures.qty(product.min_qty)),
        (_("Quantity step"), figures.qty(product.pack_multiple)),
        (_("Largest quantity"), figures.qty(product.max_qty) if product.max_qty else ""),
        (_("Lead time"), ngettext("{n} working day", "{n} working days", product.lead_days).format(n=product.lead_days) if product.lead_days else ""),
        (_("Owner"), name_of(product.owner)),
    ]
    return Panel(_("Card"), "parts/panel_facts.html", {"facts": facts})


def packs_panel(request: HttpRequest, product: Product) -> Panel:
    """The larger units of the product."""
    actor = request.actor  # type: ignore[attr-defined]
    keeps = actor.can("catalog.edit") and policy_of(Product).may(actor, "catalog.edit", product)
    items = [
        {
            "label": name_of(pack),
            "facts": [fact for fact in (pack.gtin, f"{figures.qty(pack.factor * product.weight)} kg" if product.weight else "") if fact],
            "end": figures.qty(pack.factor, product.unit),
            "buttons": [Button(_("Remove"), reverse("pack_removal", args=[pack.pk]), ask=True)] if keeps else [],
        }
        for pack in queries.packs(actor, product.pk)
    ]
    return Panel(_("Packs"), "parts/panel_items.html", {"items": items, "empty": _("Sold in base units only.")}, aside=True)


def picture_panel(request: HttpRequest, product: Product) -> Panel | None:
    """The picture, for who looks; with the way to change it, for who keeps the product."""
    actor = request.actor  # type: ignore[attr-defined]
    keeps = actor.can("catalog.edit") and policy_of(Product).may(actor, "catalog.edit", product)
    if not (keeps or product.picture):
        return None
    buttons = []
    if keeps:
        label = _("Another picture") if product.picture else _("Add picture")
        buttons.append(Button(label, reverse("product_picture", args=[product.pk]), icon="photo"))
    if keeps and product.picture:
        buttons.append(Button(_("Remove"), reverse("product_picture_removal", args=[product.pk]), ask=True))
    return Panel(_("Picture"), "catalog/panel_picture.html", {"product": product, "buttons": buttons}, aside=True)


class ProductDetail(DetailPage):
    """One product: its card, its picture and its packs."""

    verb = "catalog.view"
    query = queries.products
    kind = "catalog.product"
    panels = (card_panel, picture_panel, packs_panel, cost_panel, replacements_panel)
    above = "products"

    def head(self, obj: Product) -> Head:
        return Head(obj.code, (obj.get_state_display(), TONES[ProductState(obj.state)]), name_of(obj), facts=[figures.unit(obj.unit)])

    def buttons(self, obj: Product) -> Sequence[Button]:
        costs = cost_buttons(self.actor, obj)
        if not policy_of(Product).may(self.actor, "catalog.edit", obj):
            return costs
        to = {name: reverse(f"product_{name}", args=[obj.pk]) for name in ("change", "pack", "block", "unblock")}
        found = [
            Button(_("Change"), to["change"], icon="pencil", primary=True, verb="catalog.edit", key="e"),
            Button(_("Add pack"), to["pack"], icon="plus", verb="catalog.edit", ask=True),
            Button(_("Name successor"), reverse("product_successor", args=[obj.pk]), icon="arrow-right", verb="catalog.edit", ask=True),
            Button(_("Add equivalent"), reverse("product_equivalents", args=[obj.pk]), icon="copy", verb="catalog.edit", ask=True),
            *costs,
        ]
        if obj.state == ProductState.ACTIVE:
            found.append(Button(_("Block"), to["block"], icon="ban", verb="catalog.block", ask=True, danger=True))
        else:
            found.append(Button(_("Unblock"), to["unblock"], icon="lock-open", verb="catalog.block", ask=True))
        return found


class ProductNew(FormPage):
    """Register a product of the own catalogue."""

    verb = "catalog.edit"
    form = ProductForm
    title = submit = gettext_lazy("Register product")
    said = gettext_lazy("The product is registered.")
    above = "products"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.register_product(self.actor.org_id, ProductForm.draft(cleaned), actor=self.actor, client_id=client_id)


class ProductChange(FormPage):
    """Describe a product anew."""

    verb = "catalog.edit"
    form = ProductForm
    title = gettext_lazy("Change product")
    said = gettext_lazy("The changes are saved.")
    above = "product"

    def find(self, **kwargs: Any) -> Product:
        return queries.product(self.actor, kwargs["pk"], "catalog.edit")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_product(obj.pk, ProductForm.draft(cleaned), actor=self.actor, client_id=client_id)


class _Verb(ActionPage):
    """A verb on a product."""

    query = queries.products
    above = "product"


class ProductBlock(_Verb):
    """No new orders."""

    verb = "catalog.block"
    action = actions.block_product
    form = ReasonForm
    title = submit = gettext_lazy("Block")
    said = gettext_lazy("The product is blocked.")
    danger = True

    def says(self, obj: Product) -> Any:
        return _("{code} takes no new orders. What is ordered goes on.").format(code=obj.code)

    def undo(self, obj: Product, result: Any) -> Button:
        return Button(_("Undo"), reverse("product_unblock", args=[obj.pk]), verb="catalog.block")


class ProductUnblock(_Verb):
    """Orders as before."""

    verb = "catalog.block"
    action = actions.unblock_product
    form = NoFields
    title = submit = gettext_lazy("Unblock")
    said = gettext_lazy("The product can be ordered again.")

    def undo(self, obj: Product, result: Any) -> Button:
        return Button(_("Undo"), reverse("product_block", args=[obj.pk]), verb="catalog.block", fields={"reason": _("Undone")})


class ProductPack(_Verb):
    """Add a pack, or change one."""

    verb = "catalog.edit"
    form = PackForm
    title = gettext_lazy("Pack")
    said = gettext_lazy("The pack is saved.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        actions.set_pack(obj.pk, **cleaned, actor=self.actor, client_id=client_id)
        return obj


class ProductPicture(_Verb):
    """Send a picture."""

    verb = "catalog.edit"
    form = PictureForm
    title = gettext_lazy("Picture")
    said = gettext_lazy("The picture is saved.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_picture(obj.pk, cleaned["picture"].read(), actor=self.actor, client_id=client_id)


class ProductPictureRemoval(_Verb):
    """The placeholder again."""

    verb = "catalog.edit"
    action = actions.remove_picture
    title = submit = gettext_lazy("Remove picture")
    said = gettext_lazy("The picture is removed.")
    danger = True

    def says(self, obj: Product) -> Any:
        return _("{code} is shown with a plain drawing again, until somebody adds another picture.").format(code=obj.code)


@door("catalog.view")
def picture_file(request: HttpRequest, pk: int, digest: str) -> HttpResponse:
    """The picture as WebP, `?s=160` the small one. Its address holds its hash, so a browser asks for it once."""
    side = {"": PICTURE, str(PICTURE): PICTURE, str(THUMB): THUMB}.get(request.GET.get("s", ""))
    if side is None:
        raise NotFound("base.not_found")
    body = queries.picture(request.actor, pk, digest, side)  # type: ignore[attr-defined]
    kept = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(body, content_type="image/webp", headers=kept)


class PackRemoval(ActionPage):
    """Take a pack off its product."""

    verb = "catalog.edit"
    query = queries.all_packs
    action = actions.remove_pack
    title = submit = gettext_lazy("Remove pack")
    said = gettext_lazy("The pack is removed.")
    danger = True


routes = [
    path("products/", ProductList.as_view(), name="products"),
    path("products/new", ProductNew.as_view(), name="product_new"),
    path("products/<int:pk>/", ProductDetail.as_view(), name="product"),
    path("products/<int:pk>/change", ProductChange.as_view(), name="product_change"),
    path("products/<int:pk>/block", ProductBlock.as_view(), name="product_block"),
    path("products/<int:pk>/unblock", ProductUnblock.as_view(), name="product_unblock"),
    path("products/<int:pk>/packs", ProductPack.as_view(), name="product_pack"),
    path("products/<int:pk>/picture", ProductPicture.as_view(), name="product_picture"),
    path("products/<int:pk>/picture/removal", ProductPictureRemoval.as_view(), name="product_picture_removal"),
    path("products/<int:pk>/picture/<str:digest>.webp", picture_file, name="product_picture_file"),
    path("packs/<int:pk>/removal", PackRemoval.as_view(), name="pack_removal"),
]
