"""Pure decisions about products: barcodes, packs, quantities that may be ordered, search keys."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from PIL import Image, ImageOps
from pypinyin import Style, lazy_pinyin

from qudao.catalog.states import MOST_LEAD_DAYS
from qudao.kernel.errors import Fault, Invalid
from qudao.kernel.money import ZERO, round_to
from qudao.kernel.quantity import plain

#: the longer side of the two kept sizes of a picture, in pixels
PICTURE, THUMB = 480, 160
#: no kept picture is larger, so that a page of them stays light on a phone
MOST_PICTURE_BYTES = 60_000
#: what may be sent: a camera's picture; more pixels than this are not decoded at all
MOST_SENT_BYTES, MOST_SENT_PIXELS = 20_000_000, 50_000_000


@dataclass(frozen=True)
class ProductDraft:
    """A product as its owner describes it. Quantities in the base unit; `tax_rate` as a fraction (0.13); `gtin` of 8, 12, 13 or 14 digits.

    `weight` in kilograms and `volume` in cubic metres of one base unit, 0 = not known. `lead_days`: working days its owner needs until it leaves, where
    that is more than the terms of the trade say.
    """

    code: str
    name: str
    name_en: str = ""
    unit: str = "PCS"
    tax_rate: Decimal = Decimal("0.13")
    gtin: str = ""
    category_id: int | None = None
    min_qty: Decimal = Decimal(0)
    pack_multiple: Decimal = Decimal(1)
    brand_id: int | None = None
    weight: Decimal = Decimal(0)
    volume: Decimal = Decimal(0)
    #: when given, the rate follows it
    tax_class_id: int | None = None
    #: the largest quantity of it in one order, 0 = as much as one likes
    max_qty: Decimal = Decimal(0)
    #: 0 = as the terms say
    lead_days: int = 0


@dataclass(frozen=True)
class PackDraft:
    """A larger unit of a product: `factor` base units in one; the name decides whether a pack is added or changed."""

    product_id: int
    name: str
    factor: Decimal
    name_en: str = ""
    gtin: str = ""

    def clean(self) -> PackDraft:
        """Without blanks around its texts."""
        return replace(self, name=self.name.strip(), name_en=self.name_en.strip())


@dataclass(frozen=True)
class CostDraft:
    """What a base unit of a product costs its keeper from a day on, without tax."""

    product_id: int
    amount: Decimal
    valid_from: date


@dataclass(frozen=True)
class TaxClassDraft:
    """A tax class with its first rate (a fraction, 0.13) from a day on; an exempt class has the rate 0."""

    code: str
    name: str
    name_en: str
    rate: Decimal
    valid_from: date
    exempt: bool = False


#: the classes of Chinese VAT: code, name, English name, rate, exempt
VAT = (
    ("VAT13", "增值税 13%", "VAT 13 %", Decimal("0.13"), False),
    ("VAT9", "增值税 9%", "VAT 9 %", Decimal("0.09"), False),
    ("VAT6", "增值税 6%", "VAT 6 %", Decimal("0.06"), False),
    ("VAT0", "零税率", "VAT 0 %", Decimal(0), False),
    ("EXEMPT", "免税", "Exempt", Decimal(0), True),
)


@dataclass(frozen=True)
class BrandDraft:
    """A brand as its owner describes it."""

    code: str
    name: str
    name_en: str = ""


def check_digit(body: str) -> str:
    """The GS1 check digit of `body` (the number without it): weights 3, 1, 3, … from the right."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str((10 - total % 10) % 10)


def gtin14(text: str) -> str | None:
    """The GTIN as 14 digits, "" for an empty one, None when length or check digit is wrong. Spaces and hyphens are ignored."""
    digits = "".join(text.split()).replace("-", "")
    if not digits:
        return ""
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (8, 12, 13, 14):
        return None
    return digits.zfill(14) if check_digit(digits[:-1]) == digits[-1] else None


def initials(name: str) -> str:
    """The search key of a Chinese name: first letters of its syllables in lower case; Latin words keep theirs ("蓝海洗衣液" → "lhxyy")."""
    parts = lazy_pinyin(name, style=Style.FIRST_LETTER, errors=lambda rest: "".join(word[:1] for word in rest.split()))
    return "".join(parts).lower()[:80]


def draft_faults(draft: ProductDraft, at: str = "") -> list[Fault]:
    """Everything wrong with a draft, each fault at its field (`at` is the row of a file, "rows.3.")."""
    faults = []
    if not draft.code.strip():
        faults.append(Fault("catalog.code_missing", f"{at}code"))
    if not draft.name.strip():
        faults.append(Fault("catalog.name_missing", f"{at}name"))
    if not draft.unit.strip():
        faults.append(Fault("catalog.unit_missing", f"{at}unit"))
    if gtin14(draft.gtin) is None:
        faults.append(Fault("catalog.gtin_wrong", f"{at}gtin", {"gtin": draft.gtin}))
    if not 0 <= draft.tax_rate < 1:
        faults.append(Fault("catalog.tax_rate_wrong", f"{at}tax_rate"))
    if draft.min_qty < 0:
        faults.append(Fault("catalog.min_qty_wrong", f"{at}min_qty"))
    if draft.max_qty < 0 or 0 < draft.max_qty < draft.min_qty:
        faults.append(Fault("catalog.max_qty_wrong", f"{at}max_qty"))
    if draft.pack_multiple <= 0:
        faults.append(Fault("catalog.multiple_wrong", f"{at}pack_multiple"))
    if not 0 <= draft.lead_days <= MOST_LEAD_DAYS:
        faults.append(Fault("catalog.lead_days_wrong", f"{at}lead_days", {"most": MOST_LEAD_DAYS}))
    faults += [Fault("catalog.size_wrong", f"{at}{name}") for name in ("weight", "volume") if getattr(draft, name) < 0]
    return faults


def pack_faults(draft: PackDraft, at: str = "") -> list[Fault]:
    """Everything wrong with a pack by itself, each fault at its field."""
    faults = [] if draft.name else [Fault("catalog.name_missing", f"{at}name")]
    if draft.factor <= 0:
        faults.append(Fault("catalog.factor_wrong", f"{at}factor"))
    if gtin14(draft.gtin) is None:
        faults.append(Fault("catalog.gtin_wrong", f"{at}gtin", {"gtin": draft.gtin}))
    return faults


def to_base(qty: Decimal, factor: Decimal) -> Decimal:
    """A quantity of packs in base units; `factor` = base units in one pack."""
    return qty * factor


def order_faults(code: str, qty: Decimal, min_qty: Decimal, multiple: Decimal) -> list[Fault]:
    """May `qty` (base units) be ordered: not below the smallest quantity, and a whole number of steps. Names the two nearest allowed ones."""
    if qty < min_qty:
        return [Fault("catalog.below_min", "qty", {"code": code, "min_qty": plain(min_qty)})]
    if multiple > 0 and qty % multiple:
        lower = (qty / multiple).to_integral_value(ROUND_FLOOR) * multiple
        return [
            Fault(
                "catalog.wrong_multiple",
                "qty",
                {"code": code, "multiple": plain(multiple), "lower": plain(lower), "upper": plain(lower + multiple)},
            )
        ]
    return []


def drawn(content: bytes) -> tuple[bytes, bytes]:
    """A sent picture drawn anew as WebP in the two kept sizes (480 and 160 pixels), without metadata, upright; Invalid when it is none.

    Only pixels survive: place, camera and anything hidden in the file are left behind.
    """
    if not 0 < len(content) <= MOST_SENT_BYTES:
        raise Invalid("catalog.picture_size", field="picture", most=MOST_SENT_BYTES // 1_000_000)
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "GIF", "BMP")) as sent:
            if sent.width * sent.height > MOST_SENT_PIXELS:
                raise Invalid("catalog.picture_pixels", field="picture", most=MOST_SENT_PIXELS // 1_000_000)
            sent.draft("RGB", (PICTURE * 2, PICTURE * 2))  # a camera's JPEG is decoded at a fraction of its size
            upright = ImageOps.exif_transpose(sent)
            plain_pixels = upright.convert("RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Invalid("catalog.picture_unreadable", field="picture") from None
    return _webp(plain_pixels, PICTURE), _webp(plain_pixels, THUMB)


def _webp(image: Image.Image, side: int) -> bytes:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    for quality in (82, 70, 55, 40, 20, 5):
        out = io.BytesIO()
        small.save(out, "WEBP", quality=quality, method=4)
        if out.tell() <= MOST_PICTURE_BYTES:
            break
    return out.getvalue()


@dataclass(frozen=True)
class Margin:
    """What sold goods bring beyond their cost, both without tax, of the lines whose cost is known; `unknown`: how many others there are."""

    net: Decimal
    cost: Decimal
    unknown: int

    @property
    def profit(self) -> Decimal:
        """Net less cost, below zero for goods sold under their cost."""
        return self.net - self.cost

    @property
    def share(self) -> Decimal | None:
        """Profit as a part of net; None where nothing was taken."""
        return self.profit / self.net if self.net else None


def margin(sold: Iterable[tuple[int, Decimal, Decimal]], costs: Mapping[int, Decimal]) -> Margin:
    """The margin of (product, quantity in base units, net amount); `costs` of a base unit by product in the currency of the amounts."""
    net = cost = ZERO
    unknown = 0
    for product, qty, amount in sold:
        if product in costs:
            net, cost = net + amount, cost + qty * costs[product]
        else:
            unknown += 1
    return Margin(net, round_to(cost, 2), unknown)
