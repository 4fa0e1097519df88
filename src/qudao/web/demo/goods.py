"""What the demo's brand makes: sixty household appliances in eight categories, in two languages, with packs and numbers for barcodes, and of each
some more in other lines and colours: four hundred in all.

The numbers begin with 200: GS1 keeps that range for numbers used inside one company, so no demo product has the number of a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from qudao.catalog.actions import CategoryDraft
from qudao.catalog.rules import ProductDraft, check_digit
from qudao.web.masters import Pack

CATEGORIES = [
    CategoryDraft("REF", "冰箱", "Refrigerators"),
    CategoryDraft("WM", "洗衣机", "Washing machines"),
    CategoryDraft("AC", "空调", "Air conditioners"),
    CategoryDraft("TV", "电视", "Televisions"),
    CategoryDraft("WH", "热水器", "Water heaters"),
    CategoryDraft("KIT", "厨房电器", "Kitchen appliances"),
    CategoryDraft("SDA", "小家电", "Small appliances"),
    CategoryDraft("CLN", "清洁电器", "Cleaning appliances"),
    CategoryDraft("PRO", "商用电器", "Commercial appliances"),
]

#: code | name | English name | retail price in yuan, tax included
TABLE = """
REF-180D|两门直冷冰箱 180 升|Two-door refrigerator 180 l|1099
REF-215T|三门节能冰箱 215 升|Three-door refrigerator 215 l|1399
REF-265T|三门风冷冰箱 265 升|Three-door frost-free refrigerator 265 l|1999
REF-336F|法式多门冰箱 336 升|French-door refrigerator 336 l|2699
REF-450F|法式多门冰箱 450 升|French-door refrigerator 450 l|3499
REF-505X|十字对开冰箱 505 升|Cross-door refrigerator 505 l|4299
REF-560S|对开门变频冰箱 560 升|Side-by-side refrigerator 560 l|3899
REF-650S|嵌入式冰箱 650 升|Built-in refrigerator 650 l|6999
FRZ-100C|卧式冷柜 100 升|Chest freezer 100 l|799
FRZ-200C|卧式冷柜 200 升|Chest freezer 200 l|1199
WM-80P|波轮洗衣机 8 公斤|Top-load washer 8 kg|899
WM-100P|波轮洗衣机 10 公斤|Top-load washer 10 kg|1199
WM-80F|滚筒洗衣机 8 公斤|Front-load washer 8 kg|1799
WM-100F|滚筒洗衣机 10 公斤|Front-load washer 10 kg|2299
WM-100D|洗烘一体机 10 公斤|Washer-dryer 10 kg|3299
WM-120D|洗烘一体机 12 公斤|Washer-dryer 12 kg|4199
DRY-90H|热泵干衣机 9 公斤|Heat-pump dryer 9 kg|3599
WM-30M|迷你洗衣机 3 公斤|Mini washer 3 kg|599
AC-26G|壁挂空调 1 匹|Wall air conditioner 1 hp|2199
AC-35G|壁挂空调 1.5 匹|Wall air conditioner 1.5 hp|2599
AC-35N|新风空调 1.5 匹|Fresh-air conditioner 1.5 hp|3799
AC-50L|柜式空调 2 匹|Floor air conditioner 2 hp|4899
AC-72L|柜式空调 3 匹|Floor air conditioner 3 hp|5999
AC-140M|家用中央空调 5 匹|Multi-split air conditioner 5 hp|18999
TV-32H|高清电视 32 英寸|HD television 32 in|799
TV-43U|4K 电视 43 英寸|4K television 43 in|1499
TV-55U|4K 电视 55 英寸|4K television 55 in|2199
TV-65U|4K 电视 65 英寸|4K television 65 in|2999
TV-75Q|量子点电视 75 英寸|QLED television 75 in|4999
TV-85Q|量子点电视 85 英寸|QLED television 85 in|7999
WH-50E|电热水器 50 升|Electric water heater 50 l|899
WH-60E|电热水器 60 升|Electric water heater 60 l|1099
WH-80E|电热水器 80 升|Electric water heater 80 l|1399
WH-13G|燃气热水器 13 升|Gas water heater 13 l|1799
WH-16G|燃气热水器 16 升|Gas water heater 16 l|2399
WH-7I|小厨宝 7 升|Under-sink water heater 7 l|399
KIT-HD2|侧吸油烟机|Side-draft range hood|1699
KIT-HD3|顶吸油烟机|Top-draft range hood|1999
KIT-GS2|双眼燃气灶|Two-burner gas stove|899
KIT-DW8|洗碗机 8 套|Dishwasher 8 sets|2799
KIT-DW13|洗碗机 13 套|Dishwasher 13 sets|3999
KIT-SO34|蒸烤一体机 34 升|Steam oven 34 l|2999
KIT-MW20|微波炉 20 升|Microwave oven 20 l|499
KIT-DS90|消毒柜 90 升|Disinfection cabinet 90 l|1299
SDA-RC4|电饭煲 4 升|Rice cooker 4 l|299
SDA-RC5I|IH 电饭煲 5 升|Induction rice cooker 5 l|599
SDA-PC6|电压力锅 6 升|Pressure cooker 6 l|399
SDA-IC21|电磁炉 2100 瓦|Induction cooker 2100 W|269
SDA-KT17|电热水壶 1.7 升|Electric kettle 1.7 l|129
SDA-BL1|破壁机 1.75 升|Blender 1.75 l|459
SDA-AF5|空气炸锅 5 升|Air fryer 5 l|359
SDA-SM12|豆浆机 1.2 升|Soy-milk maker 1.2 l|339
SDA-FN16|落地风扇 16 英寸|Floor fan 16 in|199
SDA-HU5|加湿器 5 升|Humidifier 5 l|229
SDA-HT22|电暖器 2200 瓦|Electric heater 2200 W|369
CLN-VC12|无线吸尘器|Cordless vacuum cleaner|1299
CLN-WD30|洗地机|Wet and dry floor washer|2499
CLN-RV10|扫地机器人|Robot vacuum|2999
CLN-AP60|空气净化器 60 平米|Air purifier 60 m²|1899
CLN-MT08|除螨仪|Mite remover|399
"""


#: beside the sixty: a commercial line that only some dealers are shown, what is not on sale yet, and what has a last good day
EXTRA = """
PRO-FZ300|商用展示柜 300 升|Display freezer 300 l|3299
PRO-IM50|商用制冰机 50 公斤|Ice maker 50 kg|4599
PRO-DW60|揭盖式商用洗碗机|Hood-type dishwasher|12999
PRO-WM20|商用洗衣机 20 公斤|Commercial washer 20 kg|8999
AC-36Q|静音空调 1.5 匹(待上市)|Silent air conditioner 1.5 hp (to come)|3299
CLN-FL1|洗地机清洁液 1 升|Floor-washer cleaner 1 l|39
"""

#: the lines and colours in which the sixty come too: mark, line, English line, colour, English colour, share of the plain one's price
VARIANTS = [
    ("G", "悦享", "Joy", "星空灰", "starry grey", "1.06"),
    ("W", "悦享", "Joy", "珍珠白", "pearl white", "1.04"),
    ("B", "臻品", "Prime", "墨玉黑", "jade black", "1.18"),
    ("C", "臻品", "Prime", "香槟金", "champagne gold", "1.22"),
    ("H", "青禾", "Sprout", "雾霾蓝", "haze blue", "0.97"),
    ("P", "青禾", "Sprout", "樱花粉", "sakura pink", "0.96"),
]
CORE, ALL = 60, 400


@dataclass(frozen=True)
class Good:
    """A product of the demo: `retail` in yuan with tax; `carton` pieces in a pack, 0 when it stands alone."""

    no: int
    code: str
    name: str
    name_en: str
    retail: Decimal
    carton: int
    colour: str = ""

    @property
    def category(self) -> str:
        head = self.code.partition("-")[0]
        return {"FRZ": "REF", "DRY": "WM"}.get(head, head)

    @property
    def gtin(self) -> str:
        body = f"200{10_000 + self.no * 7:09d}"
        return body + check_digit(body)

    @property
    def small(self) -> bool:
        return self.carton > 0

    @property
    def stem(self) -> str:
        """The code of the plain product this one is a variant of."""
        return self.code.rpartition("-")[0] if self.colour else self.code

    def price(self, share: str) -> Decimal:
        """A share of the retail price in whole yuan."""
        return (self.retail * Decimal(share)).quantize(Decimal(1))

    def draft(self, category_id: int) -> ProductDraft:
        return ProductDraft(self.code, self.name, self.name_en, gtin=self.gtin, category_id=category_id, min_qty=Decimal(1))

    def packs(self) -> list[Pack]:
        """A carton of small appliances has a number of its own: indicator 1 before the number of the piece, with its own check digit."""
        if not self.small:
            return []
        body = f"1{self.gtin[:-1]}"
        return [Pack("箱", "Carton", self.carton, body + check_digit(body))]


@cache
def goods() -> list[Good]:
    """The sixty products in the order of the table: what the named dealers trade."""
    return list(_read(TABLE, 1))


@cache
def extra() -> list[Good]:
    """What no history sells: the products of `EXTRA`, numbered after all others."""
    return list(_read(EXTRA, ALL + 1))


@cache
def every_good() -> list[Good]:
    """The sixty and their variants, four hundred in all."""
    made = goods()
    more = ALL - len(made)
    each, rest = divmod(more, len(made))
    found = list(made)
    for good in made:
        for mark, line, line_en, colour, colour_en, share in VARIANTS[: each + (1 if good.no <= rest else 0)]:
            retail = (good.retail * Decimal(share) / 10).quantize(Decimal(1)) * 10 - 1
            names = (f"{line} {good.name} {colour}", f"{line_en} {_inside(good.name_en)}, {colour_en}")
            found.append(Good(len(found) + 1, f"{good.code}-{mark}", *names, retail, good.carton, mark))
    return found


def _inside(name: str) -> str:
    """An English name after another word: its first letter small, unless it is an abbreviation or of a nation (HD, 4K, French)."""
    return name if name[1].isupper() or name.startswith("French") else name[0].lower() + name[1:]


def _read(table: str, first: int) -> Iterator[Good]:
    for no, row in enumerate(table.strip().splitlines(), first):
        code, name, name_en, retail = row.split("|")
        small = code.startswith(("SDA", "KIT-MW", "CLN-MT", "CLN-FL", "WH-7"))
        yield Good(no, code, name, name_en, Decimal(retail), (10 if Decimal(retail) < 300 else 4) if small else 0)
