"""Where the demo's firms are and whom to call there: made up and the same in every run. No number of these can be dialled: none begins like that."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from qudao.network.rules import AddressFacts

if TYPE_CHECKING:
    from qudao.web.demo.network import Firm

#: area code (GB/T 2260) → town and district, of the named firms
TOWNS = {
    "330100": "浙江省杭州市滨江区", "310100": "上海市静安区", "440100": "广州市越秀区", "110105": "北京市朝阳区", "330106": "杭州市西湖区",
    "320102": "南京市玄武区", "310115": "上海市浦东新区", "440105": "广州市海珠区", "440304": "深圳市福田区", "350203": "厦门市思明区",
    "330402": "嘉兴市南湖区", "320211": "无锡市滨湖区", "440604": "佛山市禅城区", "441900": "东莞市松山湖", "330109": "杭州市萧山区",
    "440106": "广州市天河区", "330203": "宁波市海曙区", "330108": "杭州市滨江区", "330110": "杭州市余杭区", "210102": "沈阳市和平区",
}  # fmt: skip
ROADS = (
    *("人民路", "解放路", "中山路", "建设路", "和平街", "文化路", "新华街", "花园路", "东风路", "学院路", "长江路", "黄河路", "青年路", "朝阳街"),
    *("振兴路", "迎宾大道", "科技大道", "滨河路", "体育场路", "工业大道"),
)


def office(one: Firm, place: str) -> tuple[str, str]:
    """Address and telephone of a firm: local numbers of this country never begin with 0."""
    rng = _rng(one)
    road, number = rng.choice(ROADS), rng.randint(8, 899)
    return f"{place}{road}{number}号{_room(one, rng)}", f"000-0{rng.randint(100, 999)} {rng.randint(0, 9999):04d}"


def deliveries(one: Firm, place: str) -> list[AddressFacts]:
    """Where goods for a dealer or a shop go, the usual place first; a dealer of tier 1 has a second warehouse."""
    if one.kind not in ("dealer", "outlet"):
        return []
    rng = _rng(one, "goods")
    who, shop = one.admin or one.name, one.kind == "outlet"
    found = []
    for label in ("门店",) if shop else ("主仓", "东仓") if one.seller == "lanhe" else ("仓库",):
        street = f"{place}{rng.choice(ROADS)}{rng.randint(8, 899)}号{'' if shop else f'物流园{rng.randint(1, 9)}号库'}"
        found.append(AddressFacts(who, f"100-0000-{rng.randint(0, 9999):04d}", street, label, one.area, f"{one.area[:2]}0000"))
    return found


def _room(one: Firm, rng: random.Random) -> str:
    return "一层" if one.kind == "outlet" else f"{rng.randint(2, 18)}层{rng.randint(1, 12):02d}室"


def _rng(one: Firm, what: str = "office") -> random.Random:
    return random.Random(f"qudao demo {what} {one.key}")
