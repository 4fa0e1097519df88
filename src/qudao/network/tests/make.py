"""Organisations for tests, built through the actions."""

from __future__ import annotations

from qudao.base.access import Actor, system_actor
from qudao.network.actions import register_organisation
from qudao.network.models import Organisation
from qudao.network.rules import OrgFacts


def make_org(kind: str, code: str, parent: Organisation | None = None, *, actor: Actor | None = None, **facts: str) -> Organisation:
    """An organisation named after its code, registered by the system unless an actor is given."""
    facts.setdefault("name", f"{code} 公司")
    return register_organisation(kind, OrgFacts(code=code, **facts), parent.pk if parent else None, actor=actor or system_actor())


def make_network() -> dict[str, Organisation]:
    """The standing network: LH (brand), D001 and D002 (its dealers), S001 (D001's outlet)."""
    lh = make_org("hq", "LH", name="岚禾电器", name_en="Lanhe Appliances")
    d001 = make_org("dealer", "D001", lh, name="杭州湖畔家电", name_en="Hangzhou Lakeside")
    d002 = make_org("dealer", "D002", lh, name="南京钟山电器", name_en="Nanjing Zhongshan")
    s001 = make_org("dealer", "S001", d001, name="湖畔家电西溪店", name_en="Lakeside Xixi")
    return {"LH": lh, "D001": d001, "D002": d002, "S001": s001}
