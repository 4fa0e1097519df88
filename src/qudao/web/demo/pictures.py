"""Pictures of the goods, drawn by code: a flat, quiet drawing for each kind of appliance, in the colour of the variant. No photograph of anybody's."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from PIL import Image, ImageDraw

from qudao.catalog.actions import set_picture
from qudao.catalog.queries import products as products_seen
from qudao.kernel import clock
from qudao.web.demo.goods import Good
from qudao.web.demo.network import World
from qudao.web.masters import SYSTEM

#: pixels of the drawing; the catalogue keeps it at half of that, which smooths its edges
SIDE = 960
Colour = tuple[int, int, int]
#: body of a variant by its mark; plain products are white
BODIES: dict[str, Colour] = {
    "": (244, 246, 248),
    "G": (126, 134, 146),
    "W": (250, 249, 245),
    "B": (46, 50, 58),
    "C": (214, 190, 150),
    "H": (136, 160, 184),
    "P": (238, 190, 200),
}
INK, GLASS, STEEL, SHADE = (52, 60, 72), (92, 112, 130), (190, 197, 206), (226, 231, 237)
ACCENT, WARM, BACK = (32, 107, 196), (247, 103, 7), (247, 249, 251)


@dataclass
class Pen:
    """A sheet with the colours of one appliance; coordinates are thousandths of the sheet."""

    draw: ImageDraw.ImageDraw
    body: Colour

    @property
    def edge(self) -> Colour:
        """A line that is seen on the body."""
        return self.mixed(self.body, (255, 255, 255) if sum(self.body) < 300 else INK, 0.22)

    @staticmethod
    def mixed(one: Colour, other: Colour, share: float) -> Colour:
        return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]

    def box(self, *sides: int, fill: Colour | None = None, radius: int = 24) -> None:
        """A rounded plate (left, top, right, bottom); of the body's colour, with a thin edge, unless said otherwise."""
        self.draw.rounded_rectangle(_at(*sides), _px(radius), fill or self.body, self.edge if fill is None else None, _px(6))

    def disc(self, x: int, y: int, radius: int, fill: Colour, edge: Colour | None = None) -> None:
        self.draw.ellipse(_at(x - radius, y - radius, x + radius, y + radius), fill, edge, _px(8))

    def line(self, *points: tuple[int, int], fill: Colour | None = None, width: int = 8) -> None:
        self.draw.line([(_px(x), _px(y)) for x, y in points], fill or self.edge, _px(width), joint="curve")

    def shadow(self, left: int, right: int, y: int) -> None:
        self.draw.ellipse(_at(left, y - 22, right, y + 22), SHADE)

    def lamp(self, x: int, y: int, fill: Colour = ACCENT) -> None:
        self.disc(x, y, 9, fill)


def _px(value: int) -> int:
    return round(value * SIDE / 1000)


def _at(*values: int) -> tuple[int, ...]:
    return tuple(_px(value) for value in values)


def _fridge(pen: Pen, doors: int) -> None:
    wide = 150 if doors < 4 else 220
    left, right = 500 - wide, 500 + wide
    pen.shadow(left - 30, right + 30, 905)
    pen.box(left, 90, right, 900)
    for y in {2: (350,), 3: (350, 590)}.get(doors, (540,)):
        pen.line((left + 6, y), (right - 6, y))
    if doors >= 4:
        pen.line((500, 96), (500, 894))
        for x in (476, 524):
            pen.line((x, 300), (x, 480), width=10)
            pen.line((x, 600), (x, 720), width=10)
        pen.box(left + 60, 250, left + 140, 380, fill=GLASS, radius=12)
    else:
        for top in {2: (180, 420), 3: (180, 410, 640)}[doors]:
            pen.line((right - 32, top), (right - 32, top + 110), width=10)
    pen.lamp(left + 40, 130)


def _freezer(pen: Pen) -> None:
    pen.shadow(170, 830, 805)
    pen.box(180, 330, 820, 800)
    pen.box(170, 270, 830, 345, radius=18)
    pen.line((440, 308), (560, 308), width=12)
    for y in (690, 720, 750):
        pen.line((680, y), (780, y), width=6)
    pen.lamp(230, 740)


def _washer(pen: Pen, top: bool) -> None:
    pen.shadow(220, 780, 905)
    pen.box(240, 110, 760, 900)
    pen.line((246, 240), (754, 240))
    pen.box(280, 150, 430, 205, fill=pen.mixed(pen.body, INK, 0.10), radius=10)
    pen.disc(620, 176, 34, pen.body, pen.edge)
    pen.lamp(700, 176)
    if top:
        pen.box(290, 285, 710, 420, fill=GLASS, radius=20)
        pen.line((330, 800), (670, 800), width=6)
    else:
        pen.disc(500, 560, 200, STEEL, pen.edge)
        pen.disc(500, 560, 158, GLASS)
        pen.draw.chord(_at(352, 412, 648, 708), 20, 160, (150, 190, 226))
        pen.line((690, 520), (690, 600), width=14)


def _wall_unit(pen: Pen) -> None:
    pen.box(110, 360, 890, 600, radius=46)
    pen.line((150, 545), (850, 545), width=10)
    pen.box(150, 556, 850, 580, fill=pen.mixed(pen.body, INK, 0.25), radius=10)
    pen.box(720, 430, 820, 470, fill=INK, radius=10)
    pen.lamp(745, 450, (120, 210, 150))
    for x in (300, 500, 700):
        pen.line((x, 640), (x - 24, 690), (x + 10, 740), fill=(150, 190, 226), width=12)


def _floor_unit(pen: Pen) -> None:
    pen.shadow(330, 670, 915)
    pen.box(360, 80, 640, 910, radius=60)
    for y in range(160, 420, 44):
        pen.line((410, y), (590, y), fill=pen.mixed(pen.body, INK, 0.3), width=12)
    pen.box(440, 470, 560, 520, fill=INK, radius=12)
    pen.lamp(500, 495, (120, 210, 150))
    pen.line((400, 830), (600, 830), width=6)


def _outdoor(pen: Pen) -> None:
    pen.shadow(190, 810, 885)
    pen.box(200, 130, 800, 870)
    for y in (330, 650):
        pen.disc(420, y, 140, pen.mixed(pen.body, INK, 0.16), pen.edge)
        for radius in (105, 70, 35):
            pen.draw.ellipse(_at(420 - radius, y - radius, 420 + radius, y + radius), None, pen.edge, _px(5))
    for y in range(220, 800, 50):
        pen.line((650, y), (750, y), width=6)


def _tv(pen: Pen) -> None:
    pen.line((340, 800), (300, 850), fill=INK, width=16)
    pen.line((660, 800), (700, 850), fill=INK, width=16)
    pen.box(90, 230, 910, 800, fill=INK, radius=18)
    pen.draw.rectangle(_at(112, 252, 888, 770), (38, 84, 148))
    pen.draw.polygon([(_px(x), _px(y)) for x, y in ((112, 770), (112, 620), (330, 450), (520, 600), (690, 480), (888, 640), (888, 770))], (70, 130, 180))
    pen.disc(720, 360, 52, (255, 206, 110))
    pen.lamp(500, 786, pen.body)


def _heater(pen: Pen, gas: bool) -> None:
    if gas:
        pen.box(320, 150, 680, 800)
        pen.box(430, 90, 570, 150, fill=STEEL, radius=10)
        pen.box(420, 560, 580, 640, fill=INK, radius=14)
        pen.draw.polygon([(_px(x), _px(y)) for x, y in ((500, 250), (560, 380), (530, 460), (470, 460), (440, 380))], WARM)
    else:
        pen.box(120, 330, 880, 680, radius=170)
        pen.box(640, 450, 780, 560, fill=INK, radius=18)
        pen.line((190, 505), (560, 505), width=6)
    for x, colour in ((420, (200, 70, 60)), (580, ACCENT)):
        pen.line((x, 800 if gas else 680), (x, 880 if gas else 780), fill=STEEL, width=18)
        pen.disc(x, 890 if gas else 790, 14, colour)


def _hood(pen: Pen) -> None:
    pen.box(400, 90, 600, 420, fill=STEEL, radius=10)
    pen.draw.polygon([(_px(x), _px(y)) for x, y in ((180, 600), (400, 400), (600, 400), (820, 600))], pen.body, pen.edge)
    pen.box(170, 600, 830, 670, fill=INK, radius=16)
    for x in (440, 500, 560):
        pen.lamp(x, 635, (120, 210, 150))
    for x in (330, 500, 670):
        pen.line((x, 860), (x - 18, 810), (x + 14, 770), (x, 720), fill=STEEL, width=12)


def _stove(pen: Pen) -> None:
    pen.box(110, 380, 890, 720, fill=INK, radius=30)
    for x in (310, 690):
        pen.disc(x, 540, 112, (74, 82, 96), STEEL)
        pen.disc(x, 540, 60, INK, WARM)
        pen.disc(x, 540, 24, STEEL)
    for x in (450, 550):
        pen.disc(x, 670, 26, pen.body, STEEL)


def _cabinet(pen: Pen) -> None:
    pen.shadow(190, 810, 885)
    pen.box(200, 150, 800, 880)
    pen.box(200, 150, 800, 270, fill=INK, radius=22)
    pen.line((300, 330), (700, 330), fill=STEEL, width=18)
    pen.box(260, 390, 740, 800, fill=GLASS, radius=18)
    for y in (520, 660):
        pen.line((290, y), (710, y), fill=(150, 170, 190), width=8)
    pen.lamp(690, 210)


def _oven(pen: Pen) -> None:
    pen.shadow(110, 890, 765)
    pen.box(120, 280, 880, 760)
    pen.box(160, 330, 650, 710, fill=GLASS, radius=20)
    pen.box(700, 330, 840, 420, fill=INK, radius=12)
    for y in (480, 560, 640):
        pen.disc(770, y, 26, pen.mixed(pen.body, INK, 0.15), pen.edge)
    pen.line((620, 380), (620, 660), fill=STEEL, width=14)


def _cooker(pen: Pen) -> None:
    pen.shadow(190, 810, 825)
    pen.box(200, 380, 800, 820, radius=130)
    pen.draw.pieslice(_at(200, 230, 800, 640), 180, 360, pen.mixed(pen.body, INK, 0.12), pen.edge, _px(6))
    pen.box(430, 210, 570, 255, fill=INK, radius=20)
    pen.box(390, 560, 610, 700, fill=INK, radius=26)
    pen.lamp(500, 600, WARM)
    pen.lamp(450, 660)
    pen.lamp(550, 660)


def _kettle(pen: Pen) -> None:
    pen.shadow(250, 720, 865)
    pen.draw.arc(_at(560, 330, 800, 720), 270, 90, INK, _px(40))
    pen.draw.polygon([(_px(x), _px(y)) for x, y in ((320, 300), (640, 300), (690, 830), (270, 830))], pen.body, pen.edge)
    pen.draw.polygon([(_px(x), _px(y)) for x, y in ((330, 300), (250, 330), (320, 400))], pen.body, pen.edge)
    pen.box(360, 250, 600, 305, fill=INK, radius=20)
    pen.box(250, 825, 710, 865, fill=INK, radius=14)
    pen.lamp(480, 770)


def _jug(pen: Pen) -> None:
    pen.shadow(290, 710, 875)
    pen.draw.polygon([(_px(x), _px(y)) for x, y in ((330, 200), (670, 200), (620, 590), (380, 590))], (206, 224, 238), STEEL)
    pen.box(320, 150, 680, 210, fill=INK, radius=18)
    pen.box(330, 590, 670, 870)
    pen.disc(500, 730, 58, INK)
    pen.lamp(500, 730)


def _fan(pen: Pen) -> None:
    pen.shadow(330, 670, 905)
    pen.line((500, 560), (500, 880), fill=STEEL, width=22)
    pen.box(350, 870, 650, 905, fill=INK, radius=16)
    pen.disc(500, 360, 240, BACK, pen.edge)
    for angle in (-90, 30, 150):
        pen.draw.pieslice(_at(310, 170, 690, 550), angle - 38, angle + 38, pen.mixed(pen.body, ACCENT, 0.35))
    pen.disc(500, 360, 46, INK)


def _tower(pen: Pen) -> None:
    pen.shadow(310, 690, 895)
    pen.box(330, 200, 670, 890, radius=110)
    pen.draw.ellipse(_at(350, 205, 650, 290), pen.mixed(pen.body, INK, 0.2))
    for y in range(560, 820, 40):
        pen.line((390, y), (610, y), width=8)
    pen.disc(500, 420, 56, BACK, ACCENT)


def _radiator(pen: Pen) -> None:
    pen.shadow(190, 810, 845)
    for x in range(220, 760, 76):
        pen.box(x, 260, x + 62, 800, radius=30)
    pen.box(690, 420, 800, 700, fill=INK, radius=18)
    pen.disc(745, 490, 28, pen.body)
    pen.lamp(745, 640, WARM)
    pen.disc(270, 825, 24, INK)
    pen.disc(720, 825, 24, INK)


def _stick(pen: Pen) -> None:
    pen.line((620, 180), (420, 800), fill=STEEL, width=26)
    pen.box(540, 120, 720, 330, radius=60)
    pen.box(590, 330, 690, 420, fill=INK, radius=24)
    pen.box(250, 790, 560, 860, radius=30)
    pen.shadow(240, 580, 880)
    pen.lamp(630, 225)


def _robot(pen: Pen) -> None:
    pen.shadow(160, 840, 790)
    pen.draw.ellipse(_at(150, 300, 850, 800), pen.mixed(pen.body, INK, 0.18))
    pen.draw.ellipse(_at(150, 260, 850, 740), pen.body, pen.edge, _px(8))
    pen.draw.ellipse(_at(410, 380, 590, 500), INK)
    pen.lamp(500, 620)
    pen.lamp(440, 620, (120, 210, 150))


def _bottle(pen: Pen) -> None:
    pen.shadow(330, 670, 905)
    pen.box(340, 320, 660, 900, radius=60)
    pen.box(430, 200, 570, 330, fill=ACCENT, radius=20)
    pen.box(340, 500, 660, 740, fill=(120, 190, 214), radius=0)


def _carton(pen: Pen) -> None:
    pen.shadow(180, 820, 825)
    pen.box(200, 300, 800, 820, fill=(206, 172, 126), radius=10)
    pen.box(200, 300, 800, 400, fill=(222, 192, 150), radius=10)
    pen.box(455, 300, 545, 520, fill=(236, 220, 190), radius=0)
    for y in (700, 740):
        pen.line((590, y), (740, y), fill=(150, 118, 80), width=10)


#: beginning of a code → drawing; the longest beginning counts
DRAWINGS: dict[str, Callable[[Pen], None]] = {
    "REF": lambda pen: _fridge(pen, 4),
    "REF-1": lambda pen: _fridge(pen, 2),
    "REF-2": lambda pen: _fridge(pen, 3),
    "FRZ": _freezer,
    "WM": lambda pen: _washer(pen, False),
    "WM-80P": lambda pen: _washer(pen, True),
    "WM-100P": lambda pen: _washer(pen, True),
    "WM-30M": lambda pen: _washer(pen, True),
    "DRY": lambda pen: _washer(pen, False),
    "AC": _wall_unit,
    "AC-50L": _floor_unit,
    "AC-72L": _floor_unit,
    "AC-140": _outdoor,
    "TV": _tv,
    "WH": lambda pen: _heater(pen, False),
    "WH-13": lambda pen: _heater(pen, True),
    "WH-16": lambda pen: _heater(pen, True),
    "KIT-H": _hood,
    "KIT-G": _stove,
    "KIT-D": _cabinet,
    "KIT": _oven,
    "SDA": _cooker,
    "SDA-IC": _stove,
    "SDA-KT": _kettle,
    "SDA-BL": _jug,
    "SDA-SM": _jug,
    "SDA-FN": _fan,
    "SDA-HU": _tower,
    "SDA-HT": _radiator,
    "CLN": _stick,
    "CLN-RV": _robot,
    "CLN-AP": _tower,
    "CLN-FL": _bottle,
    "PRO": _freezer,
    "PRO-DW": _cabinet,
    "PRO-IM": _cabinet,
    "PRO-WM": lambda pen: _washer(pen, False),
    "FIT": _carton,
    "AUX": _carton,
}


def drawn(good: Good) -> bytes:
    """The picture of a product as a bitmap, a few milliseconds."""
    sheet = Image.new("RGB", (SIDE, SIDE), BACK)
    kind = max((head for head in DRAWINGS if good.code.startswith(head)), key=len)
    DRAWINGS[kind](Pen(ImageDraw.Draw(sheet), BODIES[good.colour]))
    out = io.BytesIO()
    sheet.save(out, "BMP")  # compressed once, by the catalogue
    return out.getvalue()


def hang(world: World, goods: Sequence[Good]) -> None:
    """Give each product its picture, if it has none. Products that look alike share one drawing, and the catalogue keeps one file for them."""
    bare = set(products_seen(SYSTEM).filter(picture="").values_list("code", flat=True))
    with clock.freeze(datetime.combine(world.start, time(9), tzinfo=ZoneInfo(settings.TIME_ZONE))):
        for good in goods:
            if good.code in bare:
                set_picture(world.products[good.code], drawn(good), actor=SYSTEM)
