"""The rest of the demo's network beside the named firms: dealers and shops with the names of real trades and cities, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from qudao.web.demo.network import Firm, firm


@dataclass(frozen=True)
class Size:
    """How much is loaded: dealers of tier 1 and 2, shops, and orders in the year of each of them and of a named firm; products with stock and prices."""

    name: str
    dealers1: int
    dealers2: int
    shops: int
    orders1: int
    orders2: int
    orders3: int
    named: int
    goods: int


#: full: 40 dealers of tier 1, 80 of tier 2 and 300 shops together with the named ones; small is a hundredth of its orders
SIZES = {
    "full": Size("full", 34, 76, 294, 25, 30, 18, 20, 400),
    "small": Size("small", 2, 2, 4, 8, 5, 4, 2, 90),
}

#: region → city | English | area code (GB/T 2260), the larger ones first: they have the dealers of tier 1
CITIES = {
    "east": "上海|Shanghai|310101 杭州|Hangzhou|330102 南京|Nanjing|320106 苏州|Suzhou|320508 宁波|Ningbo|330203 合肥|Hefei|340104 济南|Jinan|370102 "
    "青岛|Qingdao|370202 南昌|Nanchang|360103 温州|Wenzhou|330302 常州|Changzhou|320404 徐州|Xuzhou|320302 绍兴|Shaoxing|330602 台州|Taizhou|331002 "
    "金华|Jinhua|330702 南通|Nantong|320613 扬州|Yangzhou|321002 芜湖|Wuhu|340207 烟台|Yantai|370602 潍坊|Weifang|370705 九江|Jiujiang|360403 "
    "湖州|Huzhou|330502 镇江|Zhenjiang|321102 淄博|Zibo|370303 盐城|Yancheng|320902 蚌埠|Bengbu|340303",
    "south": "广州|Guangzhou|440103 深圳|Shenzhen|440303 福州|Fuzhou|350102 厦门|Xiamen|350206 长沙|Changsha|430102 武汉|Wuhan|420102 南宁|Nanning|450103 "
    "海口|Haikou|460106 泉州|Quanzhou|350503 珠海|Zhuhai|440402 惠州|Huizhou|441302 中山|Zhongshan|442000 汕头|Shantou|440507 株洲|Zhuzhou|430203 "
    "岳阳|Yueyang|430602 宜昌|Yichang|420503 襄阳|Xiangyang|420602 桂林|Guilin|450302 柳州|Liuzhou|450203 漳州|Zhangzhou|350602 湛江|Zhanjiang|440803 "
    "江门|Jiangmen|440703 衡阳|Hengyang|430406 莆田|Putian|350302 肇庆|Zhaoqing|441202 黄石|Huangshi|420202",
    "north": "北京|Beijing|110105 天津|Tianjin|120101 石家庄|Shijiazhuang|130102 太原|Taiyuan|140105 郑州|Zhengzhou|410102 西安|Xi'an|610102 "
    "成都|Chengdu|510104 重庆|Chongqing|500103 沈阳|Shenyang|210102 大连|Dalian|210202 哈尔滨|Harbin|230102 长春|Changchun|220102 兰州|Lanzhou|620102 "
    "昆明|Kunming|530102 唐山|Tangshan|130203 保定|Baoding|130602 洛阳|Luoyang|410302 绵阳|Mianyang|510703 宝鸡|Baoji|610302 鞍山|Anshan|210302 "
    "吉林|Jilin|220202 大庆|Daqing|230602 新乡|Xinxiang|410702 德阳|Deyang|510603 宜宾|Yibin|511502 邯郸|Handan|130402",
}
#: names of firms with their English
NAMES = (
    "星河|Galaxy 金桥|Golden Bridge 同辉|Tonghui 远达|Yuanda 瑞丰|Ruifeng 恒信|Hengxin 佳和|Jiahe 盛世|Shengshi 华茂|Huamao 天成|Tiancheng 锦程|Jincheng "
    "百福|Baifu 顺泰|Shuntai 宏图|Hongtu 万家|Wanjia 安居|Anju 乐福|Lefu 春晖|Chunhui 晨光|Morning Light 东方|Orient 长风|Changfeng 明珠|Pearl 新城|New Town "
    "联众|Lianzhong 诚达|Chengda 美居|Meiju 康盛|Kangsheng 永兴|Yongxing 光华|Guanghua 四海|Four Seas 海纳|Haina 嘉禾|Jiahe Bros 德隆|Delong 荣泰|Rongtai "
    "凯旋|Triumph 祥云|Xiangyun 紫金|Purple Gold 青松|Pine 银座|Ginza Road 鸿运|Hongyun"
)
TRADES = (("家电", "Appliances"), ("电器", "Electric"), ("商贸", "Trading"), ("家居电器", "Home Appliances"), ("机电", "Electrical"))
STREETS = (
    "人民路|Renmin Road 解放路|Jiefang Road 中山路|Zhongshan Road 建设路|Jianshe Road 和平街|Heping Street 文化路|Wenhua Road 新华街|Xinhua Street "
    "东湖|East Lake 西城|West City 南门|South Gate 北站|North Station 开发区|Economic Zone 大学城|University Town 江滨|Riverside 万象|Mixc 城东|Chengdong "
    "钟楼|Bell Tower 花园路|Garden Road 工业园|Industrial Park 滨海|Seaside"
)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = (
    *("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀兰", "霞", "平", "刚", "桂英", "建华", "志强"),
    *("海燕", "晓东", "文静", "佳怡", "子涵", "宇轩", "雨桐", "国栋", "立新", "春梅", "红梅", "永健", "思远", "嘉琪", "俊杰", "婷婷"),
)


def _pairs(text: str) -> list[tuple[str, ...]]:
    """Entries "中文|English words …": a word without a bar belongs to the entry before it."""
    entries: list[str] = []
    for word in text.split(" "):
        if "|" in word:
            entries.append(word)
        else:
            entries[-1] += f" {word}"
    return [tuple(entry.split("|")) for entry in entries]


@cache
def _towns() -> dict[str, str]:
    return {code: city for text in CITIES.values() for city, _english, code in _pairs(text)}


def town(area: str) -> str:
    """The city of an area code of `CITIES`, as it is written in an address."""
    return f"{_towns()[area]}市"


@cache
def others(size: str) -> tuple[Firm, ...]:
    """The firms beside the named ones, those above before those below."""
    return tuple(_others(SIZES[size]))


def _others(size: Size) -> Iterator[Firm]:
    rng = random.Random("qudao demo firms")
    streets, regions, register = _pairs(STREETS), list(CITIES), _Register(rng)
    cities = {region: _pairs(text) for region, text in CITIES.items()}
    first: list[Firm] = []
    second: list[Firm] = []
    for n in range(size.dealers1):
        region = regions[(n + 2) % 3]  # the named ones are in the east and the south: the north begins
        place = cities[region][n // 3 % len(cities[region])]
        limit = rng.choice((320_000, 360_000, 420_000, 500_000))
        first.append(register.dealer(f"a{n + 1}", f"D{regions.index(region) + 1}1{n + 1:02d}", place, (region, "lanhe", limit)))
    for n in range(size.dealers2):
        above = first[n % len(first)]
        region = above.parent
        place = cities[region][(12 + n // 3) % len(cities[region])]
        limit = rng.choice((60_000, 80_000, 100_000))
        second.append(register.dealer(f"b{n + 1}", f"D{regions.index(region) + 1}5{n + 1:02d}", place, (above.key, above.key, limit)))
    yield from first
    yield from second
    above_all = [*first, *second]
    for n in range(size.shops):
        above = above_all[n % len(above_all)]
        street = streets[(n // len(above_all) * 7 + n) % len(streets)]
        while f"{above.name}{street[0]}店" in register.taken:
            street = rng.choice(streets)
        name, name_en = f"{above.name}{street[0]}店", f"{above.name_en}, {street[1]} Shop"
        register.taken.add(name)
        limit = rng.choice((25_000, 30_000, 40_000))
        yield Firm(f"s{n + 1}", "outlet", f"S{above.code[1]}{n + 101:03d}", name, name_en, above.area, above.key, above.key, limit, _person(rng), "shop_owner")


class _Register:
    """Names given so far: no two firms are called alike."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.names, self.taken = rng, _pairs(NAMES), set[str]()

    def dealer(self, key: str, code: str, place: tuple[str, ...], above: tuple[str, str, int]) -> Firm:
        """A dealer in a city; `above`: parent, seller, limit."""
        while True:
            name, trade = self.rng.choice(self.names), self.rng.choice(TRADES)
            full = f"{place[0]}{name[0]}{trade[0]}"
            if full not in self.taken:
                self.taken.add(full)
                return Firm(key, "dealer", code, full, f"{place[1]} {name[1]} {trade[1]}", place[2], *above, _person(self.rng))


def _person(rng: random.Random) -> str:
    return rng.choice(SURNAMES) + rng.choice(GIVEN)


def known(key: str, size: str) -> Firm:
    """A firm by its key, named or not."""
    return _by_key(size).get(key) or firm(key)


@cache
def _by_key(size: str) -> dict[str, Firm]:
    return {one.key: one for one in others(size)}
