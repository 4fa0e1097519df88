"""What the firms beside the dealers need before they can trade: goods and prices of suppliers, what is shown to whom, lots, deposits, and a quota."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid5

from qudao.agreements.actions import add_members, create_group, set_rule
from qudao.agreements.queries import assortment_rules, groups
from qudao.agreements.rules import AgreementDraft, GroupDraft, RuleDraft
from qudao.approvals.actions import add_rule, decide_proposal
from qudao.approvals.queries import flows, proposals_about
from qudao.approvals.rules import RuleDraft as FlowDraft
from qudao.approvals.states import Decision
from qudao.catalog.queries import categories
from qudao.catalog.rules import ProductDraft
from qudao.funds.actions import pay_deposit, set_deposit, share_limit
from qudao.funds.queries import accounts, shared_limits, unscoped_accounts_of
from qudao.funds.rules import SharedDraft
from qudao.inventory.actions import OpeningLine, receive_opening, track_product
from qudao.inventory.queries import tracked
from qudao.kernel import clock
from qudao.kernel.errors import Waits
from qudao.people.queries import unscoped_system_role
from qudao.pricing.actions import ChangeDraft, ListDraft, draft_change, move_prices, release_change
from qudao.pricing.queries import changes
from qudao.pricing.rules import PriceDraft
from qudao.quotas.actions import declare_quota, set_shares
from qudao.quotas.queries import quotas
from qudao.quotas.rules import Holder, QuotaDraft
from qudao.web import masters
from qudao.web.demo.goods import Good
from qudao.web.demo.network import SPACE, World, agree, firm, south
from qudao.web.masters import SYSTEM

#: supplier → code, name, English name, price with tax
PARTS = {
    "yongjiang": (
        ("FIT-BR1", "空调外机支架", "Outdoor-unit bracket", "38.00"),
        ("FIT-HS2", "洗衣机进水管 3 米", "Washer inlet hose 3 m", "12.50"),
        ("FIT-PL3", "冰箱可调底座", "Adjustable refrigerator base", "46.00"),
        ("FIT-CB4", "三芯电源线 2 米", "Power cord 2 m", "15.80"),
        ("FIT-VB5", "减震脚垫(四只装)", "Vibration pads, set of four", "9.90"),
    ),
    "qiantang": (
        ("AUX-TP1", "保温铜管 4 米", "Insulated copper pipe 4 m", "96.00"),
        ("AUX-SL2", "安装辅材包", "Installation kit", "42.00"),
    ),
}

#: who may sell the commercial line
CHOSEN = ("hupan", "pengcheng", "shengjing")
#: pieces of goods that no history sells, at each of the two warehouses of the brand
STOCKED = {"PRO-FZ300": 40, "PRO-IM50": 24, "PRO-DW60": 12, "PRO-WM20": 16}
#: lots of what has a last good day: number, days from the last day of the demo, pieces
LOTS = (("QJ2601", -4, 18), ("QJ2604", 21, 90), ("QJ2609", 260, 400))
SHELF_DAYS = 540


def parts() -> list[Good]:
    """What the suppliers sell."""
    return [Good(0, code, name, name_en, Decimal(price), 0) for sold in PARTS.values() for code, name, name_en, price in sold]


def supply(world: World) -> None:
    """What the suppliers sell, at which prices and terms: a part of the masters."""
    for key in PARTS:
        _supplier(world, key)


def settle(world: World) -> None:
    """Lots, the commercial line and deposits, in the morning of one day."""
    _lots(world)
    opened = {world.products[code]: Decimal(qty) for code, qty in STOCKED.items()}
    for place in (masters.main_place(world.orgs["lanhe"]), south(world)):
        masters.opening(place, opened, "商用系列首批入库", uuid5(SPACE, f"opening commercial {place}"))
    _shown(world)
    for key, required, paid in (("shengjing", "50000", "50000"), ("ludao", "20000", "8000")):
        _deposit(world, key, Decimal(required), Decimal(paid))


def _supplier(world: World, key: str) -> None:
    """Its goods, its prices and the terms under which its keeper buys."""
    one, supplier = firm(key), world.orgs[key]
    drafts = [ProductDraft(code, name, name_en) for code, name, name_en, _price in PARTS[key]]
    world.products |= masters.products(supplier, drafts)
    prices = [PriceDraft(world.products[code], Decimal(price), world.start) for code, _name, _name_en, price in PARTS[key]]
    listed = masters.price_list(supplier, ListDraft(f"{one.code}-BUY", "采购价", "Purchase prices", is_base=True), prices)
    terms = AgreementDraft(supplier.id, world.orgs[one.parent].id, f"{one.code}-A", world.start, payment_days=30)
    masters.agreement(terms, None, [listed])


def _lots(world: World) -> None:
    """The cleaner has lots with a last good day: one is over it, one soon will be."""
    product = world.products["CLN-FL1"]
    admin = world.staff("admin")
    if tracked(admin, product) is None:
        track_product(product, SHELF_DAYS, actor=admin)
    lines = [OpeningLine(product, Decimal(qty), lot, world.last + timedelta(days=days)) for lot, days, qty in LOTS]
    for name, place, some in (("main", masters.main_place(world.orgs["lanhe"]), lines), ("south", south(world), lines[-1:])):
        receive_opening(place, some, "期初批次", actor=SYSTEM, client_id=uuid5(SPACE, f"opening lots {name}"))


def _shown(world: World) -> None:
    """The commercial line is for a group of dealers only; what is to come, for nobody yet."""
    admin, brand = world.staff("admin"), world.orgs["lanhe"]
    if assortment_rules(admin).exists():
        return
    today = clock.today()
    group = groups(admin).filter(code="PRO").first() or create_group(brand.id, GroupDraft("PRO", "商用授权经销商", "Commercial dealers"), actor=admin)
    add_members(group.pk, {world.orgs[key].id: (today, None) for key in CHOSEN}, actor=admin)
    line = categories(admin).get(owner_id=brand.id, code="PRO").pk
    set_rule(RuleDraft(False, today, category_id=line), actor=admin)
    set_rule(RuleDraft(True, today, category_id=line, group_id=group.pk), actor=admin)
    set_rule(RuleDraft(False, today, world.last + timedelta(days=45), product_id=world.products["AC-36Q"]), actor=admin)


def _deposit(world: World, key: str, required: Decimal, paid: Decimal) -> None:
    finance = world.staff("finance")
    account = accounts(finance).get(pk__in=unscoped_accounts_of([agree(world, firm(key), ())]).values())
    if account.deposit_required != required:
        set_deposit(account.pk, required, False, "年度合同约定", actor=finance)
        pay_deposit(account.pk, paid, "银行回单 保证金", actor=finance)


def ration(world: World, *, until: date) -> None:
    """Ice makers are scarce: so many for the group, some of them for the dealer by the lake."""
    clerk, brand = world.staff("clerk"), world.orgs["lanhe"]
    product = world.products["PRO-IM50"]
    if not quotas(clerk).filter(product_id=product).exists():
        made = declare_quota(brand.id, QuotaDraft(product, clock.today(), until, Decimal(40)), actor=clerk)
        group = groups(world.staff("admin")).get(code="PRO").pk
        set_shares(made.pk, {Holder(group_id=group): Decimal(24), Holder(buyer_id=world.orgs["hupan"].id): Decimal(10)}, actor=clerk)


def share(world: World) -> None:
    """The head office by the lake and the two branches that buy from the brand share one limit from now on."""
    finance, head = world.staff("finance"), world.orgs["hupan"]
    if not shared_limits(finance).exists():
        buyers = [world.orgs[key].id for key in ("hupan", "binjiang", "yuhang")]
        share_limit(SharedDraft(world.orgs["lanhe"].id, head.id, "CNY", buyers, Decimal(600_000)), "总部与门店统一授信", actor=finance)


#: changes of the brand's prices: what it is about, products, per cent, days from the last one on which it counts
DEARER = ("大容量洗衣机调价", "WM-", "3", 16)
CHEAPER = ("电视年末让利", "TV-", "-4", 21)


def plan_prices(world: World) -> None:
    """Above so much per piece a change of prices takes the signature of finance; the first one is asked for."""
    admin, brand = world.staff("admin"), world.orgs["lanhe"]
    if not flows(admin, kind="pricing.change").exists():
        add_rule(brand.id, FlowDraft("pricing.change", unscoped_system_role("hq_finance"), Decimal(50)), actor=admin)
    _ask(world, *DEARER)


def sign_prices(world: World) -> None:
    """Finance signs it, so that it waits for its day."""
    finance = world.staff("finance")
    for change in changes(finance).filter(title=DEARER[0], waits=True):
        for made in proposals_about(finance, change):
            decide_proposal(made.pk, Decision.APPROVE, "同意，按新批次成本执行。", actor=finance)


def ask_prices(world: World) -> None:
    """The second one waits for her signature."""
    _ask(world, *CHEAPER)


def _ask(world: World, title: str, search: str, percent: str, days: int) -> None:
    manager = world.staff("channel")
    if changes(manager).filter(title=title).exists():
        return
    change = draft_change(world.lists["lanhe", "dealer1"], ChangeDraft(title, world.last + timedelta(days=days)), actor=manager)
    move_prices(change.pk, Decimal(percent), 0, search, actor=manager)
    with suppress(Waits):
        release_change(change.pk, actor=manager)
