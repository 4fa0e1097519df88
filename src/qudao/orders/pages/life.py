"""What happened to an order and to the documents that came out of it, told as one life; and for whom it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from qudao.base.access import Actor, Channel
from qudao.base.audit import ActionLog
from qudao.base.html import figures
from qudao.base.html.pages.log import CHANNELS
from qudao.base.html.tables import by_language
from qudao.base.subject import Subject
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_life, unscoped_signer
from qudao.orders.rules import told_changes
from qudao.orders.states import CHANGED, DONE, DONE_BY_MOVE, DONE_BY_VERB, DONE_OUTSIDE, DONE_TRANSFER, EDITED, SPLIT, Status
from qudao.orders.tables import name_of, waits_for, word_of


@dataclass
class Life:
    """The documents of an order that the panels of its page have found, with the words for what was done to each; and when goods last moved."""

    words: dict[tuple[str, int], tuple[Mapping[Any, Any], Mapping[Any, Any]]] = field(default_factory=dict)
    subjects: list[Subject] = field(default_factory=list)
    moved_at: datetime | None = None


def life_of(order: Order) -> Life:
    """What the page of this request knows of an order's life."""
    found = getattr(order, "_life", None)
    if found is None:
        found = Life()
        order._life = found  # type: ignore[attr-defined]
    return found


def belongs(order: Order, subject: Subject, done: Mapping[Any, Any], moves: Mapping[Any, Any] | None = None, moved_at: datetime | None = None) -> None:
    """Tell the order's page of a document of an upper module: its log lines join the timeline, in the module's words (by state, by move).

    `moved_at`: since when goods stand where this document has brought them.
    """
    life = life_of(order)
    life.subjects.append(subject)
    life.words[subject.kind, subject.id] = (done, moves or {})
    if moved_at and (life.moved_at is None or moved_at > life.moved_at):
        life.moved_at = moved_at


def lines_of_life(order: Order) -> list[ActionLog]:
    """The log lines of an order and of what belongs to it, oldest first. One statement, once a request."""
    known = getattr(order, "_life_lines", None)
    if known is None:
        known = unscoped_life([order.subject, *life_of(order).subjects])
        order._life_lines = known  # type: ignore[attr-defined]
    return known


def done_in(line: ActionLog, done: Mapping[Any, Any], moves: Mapping[Any, Any]) -> str:
    """What a line of the log says was done; "" when it is nothing for a timeline (messages stand in the conversation)."""
    if line.verb.startswith("messages."):
        return ""
    if line.verb == "orders.split":
        into, out_of = line.detail.get("split_into"), line.detail.get("split_from")
        return str(SPLIT[0]).format(number=into, changes=told_changes(line.detail["changes"])) if into else str(SPLIT[1]).format(number=out_of)
    if "edited" in line.detail:
        changes = told_changes(line.detail["edited"])
        return f"{EDITED}: {changes}" if changes else str(EDITED)
    if not line.after:
        if line.detail.get("changes"):
            return f"{CHANGED[bool(line.detail.get('asked')), line.detail.get('approved')]}: {told_changes(line.detail['changes'])}"
        return _("attached {file}").format(file=line.detail["file"]) if line.detail.get("file") else str(DONE_BY_VERB.get(line.verb, ""))
    return str(DONE_BY_VERB.get(line.verb) or done.get(line.verb) or moves.get((line.before, line.after)) or done.get(line.after, ""))


def entry_of(line: ActionLog, what: str, number: str = "") -> dict[str, Any]:
    """A line of the log for the timeline: who, when, what, through which channel, after how long, why."""
    channel = CHANNELS.get(line.channel) if line.channel != Channel.PAGE else ""
    return {
        "who": line.actor_name or (_("System") if line.actor_kind == "system" else ""),
        "at": line.at,
        "what": " ".join(part for part in (what, number, f"({channel})" if channel else "") if part),
        "stage": timedelta(seconds=line.stage_seconds) if line.stage_seconds is not None else None,
        "reason": line.reason,
    }


def entries(order: Order) -> list[dict[str, Any]]:
    """The timeline of an order, newest first."""
    words = life_of(order).words
    done, moves = (DONE_OUTSIDE, {}) if order.outside else (DONE_TRANSFER if order.transfer else DONE, DONE_BY_MOVE)
    found = []
    for line in reversed(lines_of_life(order)):
        mine = line.subject_kind == "orders.order"
        what = done_in(line, *((done, moves) if mine else words[line.subject_kind, line.subject_id]))
        if what:
            found.append(entry_of(line, what, "" if mine else line.number))
    return found


def reached(order: Order) -> dict[str, ActionLog]:
    """state → the log line by which the order came into it last."""
    return {line.after: line for line in lines_of_life(order) if line.subject_kind == "orders.order" and line.after}


def by_whom(line: ActionLog | None) -> list[Any]:
    """When and by whom, for a step; nothing when it has not been."""
    if line is None:
        return []
    stage = _("after {age}").format(age=figures.age(timedelta(seconds=line.stage_seconds))) if line.stage_seconds else ""
    who = line.actor_name or (_("automatically") if line.actor_kind == "system" else "")
    return [figures.moment(line.at), stage, who]


def waits(actor: Actor, order: Order) -> str:
    """For whom an order waits and since when, in a sentence; "" when it waits for nobody. One statement while it is in review, for the seller."""
    word = word_of(order)
    side, job = waits_for(order)
    if not side:
        return ""
    who = f"{name_of(getattr(order, side))} {job}"
    since = order.state_since
    if order.status == Status.IN_FULFILMENT:
        since = life_of(order).moved_at or since
    if word == "to_approve" and actor.org_id == order.house_id:
        signer = unscoped_signer(order)
        if signer:
            name, name_en, since, people = signer
            role = by_language(name, name_en)
            who = f"{people[0]} ({role})" if len(people) == 1 else role
    return _("Waits for {who} for {age}").format(who=who, age=figures.age(since))
