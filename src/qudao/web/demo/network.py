"""The named part of the demo's network: a brand, its regions, six tier-1 dealers, four of tier 2, six shops, and the people who work there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid5

from django.contrib.auth.hashers import make_password
from stdnum.cn import uscc

from qudao.agreements.rules import AgreementDraft
from qudao.approvals.actions import add_rule
from qudao.approvals.queries import flows
from qudao.approvals.rules import RuleDraft
from qudao.base.access import Actor, Channel
from qudao.catalog.actions import set_costs
from qudao.catalog.rules import CostDraft
from qudao.inventory.actions import register_place, set_supply_place
from qudao.inventory.queries import places as places_seen
from qudao.inventory.queries import supply_of
from qudao.network.queries import OrgCard
from qudao.network.rules import OrgFacts
from qudao.people.actions.members import PersonFacts
from qudao.people.queries import unscoped_system_role
from qudao.pricing.actions import ListDraft
from qudao.pricing.rules import PriceDraft
from qudao.web import masters
from qudao.web.demo import contacts
from qudao.web.demo.goods import CATEGORIES, Good, every_good, extra, goods

PASSWORD = "demo-Qudao-2026"  # noqa: S105 - printed and shown on the sign-in page of a demo
SPACE = UUID("5a6f2f0c-3f55-5d0e-8a29-1f8f4a5b7c01")  # names of the demo's records; never changes


@dataclass(frozen=True)
class Firm:
    """A member of the network: `seller` is whom it buys from, `limit` the credit it has there, `admin` who runs it."""

    key: str
    kind: str
    code: str
    name: str
    name_en: str
    area: str
    parent: str
    seller: str = ""
    limit: int = 0
    admin: str = ""
    role: str = "dealer_admin"


FIRMS = [
    Firm("lanhe", "hq", "LH", "岚禾电器", "Lanhe Appliances", "330100", ""),
    Firm("east", "region", "LH-E", "岚禾电器华东大区", "Lanhe East China", "310100", "lanhe"),
    Firm("south", "region", "LH-S", "岚禾电器华南大区", "Lanhe South China", "440100", "lanhe"),
    Firm("north", "region", "LH-N", "岚禾电器北方大区", "Lanhe North & West China", "110105", "lanhe"),
    Firm("hupan", "dealer", "D1001", "杭州湖畔家电", "Hangzhou Lakeside Appliances", "330106", "east", "lanhe", 300_000, "沈若琳"),
    Firm("zhongshan", "dealer", "D1002", "南京钟山电器", "Nanjing Zhongshan Appliances", "320102", "east", "lanhe", 400_000, "陆远航"),
    Firm("pujiang", "dealer", "D1003", "上海浦江家电", "Shanghai Pujiang Appliances", "310115", "east", "lanhe", 500_000, "顾晓岚"),
    Firm("zhujiang", "dealer", "D2001", "广州珠江电器", "Guangzhou Zhujiang Appliances", "440105", "south", "lanhe", 300_000, "梁志恒"),
    Firm("pengcheng", "dealer", "D2002", "深圳鹏城家电", "Shenzhen Pengcheng Appliances", "440304", "south", "lanhe", 400_000, "黄嘉怡"),
    Firm("ludao", "dealer", "D2003", "厦门鹭岛电器", "Xiamen Egret Appliances", "350203", "south", "lanhe", 100_000, "林海生"),
    Firm("nanhu", "dealer", "D1011", "嘉兴南湖家电", "Jiaxing South Lake Appliances", "330402", "hupan", "hupan", 50_000, "吴佩珊"),
    Firm("taihu", "dealer", "D1021", "无锡太湖电器", "Wuxi Taihu Appliances", "320211", "zhongshan", "zhongshan", 50_000, "周立群"),
    Firm("fenjiang", "dealer", "D2011", "佛山汾江电器", "Foshan Fenjiang Appliances", "440604", "zhujiang", "zhujiang", 50_000, "何永昌"),
    Firm("songshan", "dealer", "D2021", "东莞松山家电", "Dongguan Songshan Appliances", "441900", "pengcheng", "pengcheng", 50_000, "邓美华"),
    Firm("xixi", "outlet", "S1001", "湖畔家电西溪店", "Lakeside Xixi Shop", "330106", "hupan", "hupan", 20_000, "方晓雯", "shop_owner"),
    Firm("xiaoshan", "outlet", "S1002", "湖畔家电萧山店", "Lakeside Xiaoshan Shop", "330109", "hupan", "hupan", 20_000, "许国平", "shop_owner"),
    Firm("yuehe", "outlet", "S1011", "南湖家电月河店", "South Lake Yuehe Shop", "330402", "nanhu", "nanhu", 15_000, "蒋素琴", "shop_owner"),
    Firm("lihu", "outlet", "S1021", "太湖电器蠡湖店", "Taihu Lihu Shop", "320211", "taihu", "taihu", 15_000, "钱文彬", "shop_owner"),
    Firm("tianhe", "outlet", "S2001", "珠江电器天河店", "Zhujiang Tianhe Shop", "440106", "zhujiang", "zhujiang", 20_000, "谢婉仪", "shop_owner"),
    Firm("zumiao", "outlet", "S2011", "汾江电器祖庙店", "Fenjiang Zumiao Shop", "440604", "fenjiang", "fenjiang", 15_000, "区健明", "shop_owner"),
]

#: firms that show what else an order can be (`ways`): who sells to us from outside, branches that buy from the brand while their head office pays,
#: and a dealer who is invoiced once a month
BESIDE = [
    Firm("yongjiang", "supplier", "SUP-01", "宁波甬江配件", "Ningbo Yongjiang Fittings", "330203", "lanhe"),
    Firm("qiantang", "supplier", "SUP-11", "杭州钱塘辅材", "Hangzhou Qiantang Supplies", "330108", "hupan"),
    Firm("binjiang", "outlet", "S1003", "湖畔家电滨江旗舰店", "Lakeside Binjiang Flagship", "330108", "hupan", "lanhe", 150_000, "宋佳宁", "shop_owner"),
    Firm("yuhang", "outlet", "S1004", "湖畔家电余杭店", "Lakeside Yuhang Shop", "330110", "hupan", "lanhe", 100_000, "潘亦凡", "shop_owner"),
    Firm("shengjing", "dealer", "D3001", "沈阳盛京家电", "Shenyang Shengjing Appliances", "210102", "north", "lanhe", 400_000, "韩雪峰"),
]

#: key → firm, e-mail, name, role, language: the people a visitor may sign in as (people.states.DEMO_PEOPLE names some of them for one click)
PEOPLE = {
    "admin": ("lanhe", "admin@lanhe.example", "程致远", "hq_admin", "管理员 Administrator"),
    "clerk": ("lanhe", "clerk@lanhe.example", "苏敏", "hq_clerk", "订单员 Order clerk"),
    "finance": ("lanhe", "finance@lanhe.example", "罗静怡", "hq_finance", "财务 Finance clerk"),
    "warehouse": ("lanhe", "warehouse@lanhe.example", "赵大成", "hq_warehouse", "仓管 Warehouse clerk"),
    "channel": ("lanhe", "channel@lanhe.example", "秦海宁", "hq_channel", "渠道经理 Channel manager"),
    "auditor": ("lanhe", "auditor@lanhe.example", "宋文渊", "hq_auditor", "审计 Auditor"),
    "buyer": ("hupan", "buyer@hupan.example", "唐雨欣", "dealer_buyer", "一级经销商采购 Tier-1 buyer"),
    "dealer_admin": ("hupan", "admin@hupan.example", "沈若琳", "dealer_admin", "一级经销商管理员 Tier-1 administrator"),
    "tier2": ("nanhu", "admin@nanhu.example", "吴佩珊", "dealer_admin", "二级经销商 Tier-2 dealer"),
    "shop": ("xixi", "owner@xixi.example", "方晓雯", "shop_owner", "门店店长 Shop owner"),
}

#: who takes in the dealers' files; nobody signs in as her
DESK = ("lanhe", "desk@lanhe.example", "周雅琴", "hq_clerk")
#: share of the retail price by the step of the buyer
SHARES = {"dealer1": "0.72", "dealer2": "0.80", "outlet": "0.88"}
#: what goods cost the brand, without tax, of the retail price with tax
SHARE_OF_COST = (Decimal("0.42"), Decimal("0.45"), Decimal("0.48"), Decimal("0.51"), Decimal("0.54"))
#: the second step of approval begins here
APPROVAL, SECOND_APPROVAL = Decimal(50_000), Decimal(200_000)


NAMED = [*FIRMS, *BESIDE]
_BY_KEY = {one.key: one for one in NAMED}
#: how the password of each of `PEOPLE` will be kept, while another core works it out
_HASHED: list[Future[str]] = []


@dataclass
class World:
    """What the stories and the history need: organisations by key, people by e-mail, products by code and by number, how much of it all."""

    size: str = "small"
    start: date = date.min
    last: date = date.min

    orgs: dict[str, OrgCard] = field(default_factory=dict)
    people: dict[str, Actor] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    goods: list[Good] = field(default_factory=list)
    lists: dict[tuple[str, str], int] = field(default_factory=dict)
    by_no: dict[int, int] = field(default_factory=dict)

    def staff(self, key: str) -> Actor:
        return self.people[DESK[1] if key == "desk" else PEOPLE[key][1]]

    def boss(self, firm: str) -> Actor:
        """Who orders, ships and books for a dealer."""
        return self.people[boss_email(firm)]


def boss_email(key: str) -> str:
    one = _BY_KEY.get(key)
    shop = one.role == "shop_owner" if one else key.startswith("s")
    return f"{'owner' if shop else 'admin'}@{key}.example"


def firm(key: str) -> Firm:
    return _BY_KEY[key]


def stocked(seller: str) -> list[Good]:
    """What a seller keeps: the brand everything, a dealer of tier 1 every second product, one of tier 2 every third."""
    step = 1 if seller == "lanhe" else 2 if firm(seller).seller == "lanhe" else 3
    return [good for good in goods() if good.no % step == 0]


def build(start: date, last: date, size: str = "small", count: int = 60) -> World:
    """Make what is missing of the named firms, their people and `count` products, as of `start`."""
    world = World(size=size, start=start, last=last, goods=every_good()[:count])
    masters.roles()
    for one in NAMED:
        place = contacts.TOWNS[one.area]
        world.orgs[one.key] = masters.organisation(one.kind, facts(one, place), world.orgs.get(one.parent), contacts.deliveries(one, place))
    brand = world.orgs["lanhe"]
    groups = masters.categories(brand, CATEGORIES)
    made = [*world.goods, *extra()]
    packs = {good.code: good.packs() for good in made if not good.colour}
    world.products = masters.products(brand, [good.draft(groups[good.category]) for good in made], packs)
    world.by_no = {good.no: world.products[good.code] for good in world.goods}
    _people(world)
    costs = [CostDraft(world.products[good.code], (good.retail * SHARE_OF_COST[good.no % 5]).quantize(Decimal("0.01")), world.start) for good in made]
    set_costs(costs, actor=world.staff("admin"))
    _rules(world)
    _trade(world)
    _stock(world)
    return world


def facts(one: Firm, place: str) -> OrgFacts:
    """What is written about a firm in the town `place`."""
    body = f"91{one.area}MADEM{sum(map(ord, one.key)) % 10_000:04d}"
    tax_no = body + uscc.calc_check_digit(body) if one.kind != "region" else ""
    address, phone = contacts.office(one, place)
    return OrgFacts(one.code, one.name, one.name_en, "CNY", tax_no, one.area, address, phone, f"office@{one.key}.example")


def hash_ahead() -> None:
    """Let a thread work out how the passwords are kept (a third of a second each, without Python's lock) while the goods are made."""
    pool = ThreadPoolExecutor(1)
    _HASHED[:] = [pool.submit(make_password, PASSWORD) for _person in PEOPLE]
    pool.shutdown(wait=False)


def _people(world: World) -> None:
    for where, email, name, role, _label in PEOPLE.values():
        hashed = _HASHED.pop(0).result() if _HASHED else ""
        world.people[email] = masters.person(PersonFacts(email, name), world.orgs[where], role, PASSWORD, hashed).through(Channel.PAGE)
    where, email, name, role = DESK
    world.people[email] = masters.person(PersonFacts(email, name), world.orgs[where], role)
    for one in NAMED:
        email = boss_email(one.key)
        if one.admin and email not in world.people:
            world.people[email] = masters.person(PersonFacts(email, one.admin), world.orgs[one.key], one.role).through(Channel.PAGE)


def _rules(world: World) -> None:
    """Large orders of the brand need the clerk, very large ones finance as well."""
    admin, brand = world.staff("admin"), world.orgs["lanhe"]
    if flows(admin, kind="orders.order").exists():
        return
    for position, (role, amount) in enumerate((("hq_clerk", APPROVAL), ("hq_finance", SECOND_APPROVAL)), 1):
        add_rule(brand.id, RuleDraft("orders.order", unscoped_system_role(role), amount, position), actor=admin)


def _trade(world: World) -> None:
    """Lists and agreements of every pair; the south is supplied from its own warehouse."""
    for one in NAMED:
        if one.seller:
            listed = [*world.goods, *extra()] if one.seller == "lanhe" else stocked(one.seller)
            agree(world, one, listed)


def level_of(one: Firm) -> str:
    return "dealer1" if one.seller == "lanhe" else "outlet" if one.kind == "outlet" else "dealer2"


def agree(world: World, one: Firm, listed: Sequence[Good], before: Sequence[int] = (), grace_days: int = 0) -> int:
    """The agreement of a firm with its seller, whose list of `listed` products is made when it is missing; lists in `before` go before it."""
    level = level_of(one)
    if (one.seller, level) not in world.lists:
        world.lists[one.seller, level] = _list(world, one.seller, level, listed)
    terms = AgreementDraft(world.orgs[one.seller].id, world.orgs[one.key].id, f"{one.code}-A", world.start, payment_days=30 if level == "dealer1" else 15)
    agreement_id = masters.agreement(terms, Decimal(one.limit), [*before, world.lists[one.seller, level]], grace_days=grace_days)
    if one.parent == "south" and supply_of(world.staff("warehouse"), agreement_id) is None:
        set_supply_place(agreement_id, south(world), actor=world.staff("warehouse"))
    return agreement_id


def south(world: World) -> int:
    actor = world.staff("warehouse")
    known = places_seen(actor).filter(owner_id=world.orgs["lanhe"].id, code="SOUTH").values_list("pk", flat=True).first()
    return known or register_place("SOUTH", "华南仓", actor=actor).pk


def _list(world: World, seller: str, level: str, listed: Sequence[Good]) -> int:
    """Prices with tax; dealers of tier 1 pay three per cent less for fifty or more of a small appliance."""
    names = {"dealer1": ("一级经销价", "Tier-1 prices"), "dealer2": ("二级经销价", "Tier-2 prices"), "outlet": ("门店供货价", "Shop prices")}
    draft = ListDraft(f"{world.orgs[seller].code}-{level.upper()}", *names[level], is_base=level == "dealer1")
    prices = [PriceDraft(world.products[good.code], good.price(SHARES[level]), world.start) for good in listed]
    if level == "dealer1":
        low = Decimal(SHARES[level]) * Decimal("0.97")
        small = [good for good in listed if good.small]
        prices += [PriceDraft(world.products[g.code], (g.retail * low).quantize(Decimal("0.1")), world.start, min_qty=Decimal(50)) for g in small]
    return masters.price_list(world.orgs[seller], draft, prices)


def _stock(world: World) -> None:
    """Opening stock: plenty of most, little of some, none of two, so that every state of stock is seen."""
    for seller in {one.seller for one in FIRMS if one.seller}:
        kept = stocked(seller)
        if seller == "lanhe":
            scale = [0, 6, 240, 320, 400, 520, 640]
            amounts = {good: scale[good.no % 7] if good.no in (7, 8, 15, 29, 43) else scale[2 + good.no % 5] * (3 if good.small else 1) for good in kept}
            amounts |= {good: 24 + good.no * 7 % 60 if good.no % 11 else 0 for good in world.goods[len(kept) :]}
            _open(world, seller, south(world), {good: qty // 2 for good, qty in amounts.items()}, "south")
        else:
            most = 60 if firm(seller).seller == "lanhe" else 24
            amounts = {good: most // (1 if good.small else 2) - good.no % 5 for good in kept}
        _open(world, seller, masters.main_place(world.orgs[seller]), amounts, "main")


def _open(world: World, seller: str, place_id: int, amounts: dict[Good, int], name: str) -> None:
    quantities = {world.products[good.code]: Decimal(qty) for good, qty in amounts.items()}
    masters.opening(place_id, quantities, "期初库存", uuid5(SPACE, f"opening {seller} {name}"))
