"""GET /pulse/: has something changed on this page? Asked by every visible page each five seconds, so it stands before sessions and rights.

Each process watches the log of actions: one statement a second at most, however many ask, and only while somebody asks. A change is known by the moment this
process saw it. Another process may have seen it a little earlier or later, so what it told a page is taken with a margin: rather once too often.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from django.core import signing
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from qudao.base.access import Scope
from qudao.base.db import rows
from qudao.base.pulse import LIFE, SALT
from qudao.kernel import clock

log = logging.getLogger(__name__)
ADDRESS = "/pulse/"
#: seconds between two looks at the log; how long a change is remembered; how far two processes may differ
LOOK, MEMORY, MARGIN = 1.0, 120.0, 1.5
#: ids that may still appear below the newest one, because their transactions take longer
LATE = 2000
#: each of these shows in the lists and documents of the others
TRADE = frozenset({"orders.order", "fulfilment.shipment", "billing.invoice", "payments.payment", "returns.return"})
NEWS = """
SELECT l.id, l.at, l.subject_kind, l.subject_id, l.seller_id, l.buyer_id, coalesce(s.path, ''), coalesce(b.path, '')
  FROM base_actionlog l LEFT JOIN network_organisation s ON s.id = l.seller_id LEFT JOIN network_organisation b ON b.id = l.buyer_id
 WHERE l.id > %s ORDER BY l.id
"""


@dataclass(frozen=True, slots=True)
class News:
    """One line of the log and when this process saw it."""

    seen: float
    kind: str
    subject_id: int
    seller_id: int | None
    buyer_id: int | None
    seller_path: str
    buyer_path: str


class Watch:
    """What this process knows of the log."""

    def __init__(self) -> None:
        self.news: deque[News] = deque(maxlen=20_000)
        self.looked = 0.0
        self.newest = -1
        self.known: set[int] = set()
        self._turn = threading.Lock()

    def look(self) -> None:
        """Read what is new, unless that was done less than a second ago or is being done now."""
        if clock.now().timestamp() - self.looked < LOOK or not self._turn.acquire(blocking=False):
            return
        try:
            now = clock.now().timestamp()
            first = self.newest < 0  # what was before this process looked is taken as seen when it was said to happen
            if first:
                ((self.newest,),) = rows("SELECT coalesce(max(id), 0) FROM base_actionlog")
            for pk, at, *fields in rows(NEWS, (self.newest - LATE,)) if first or self._grown() else ():
                if pk not in self.known:
                    self.known.add(pk)
                    self.news.append(News(at.timestamp() if first else now, *fields))
                    self.newest = max(self.newest, pk)
            self.known = {pk for pk in self.known if pk > self.newest - LATE}
            while self.news and self.news[0].seen < now - MEMORY:
                self.news.popleft()
            self.looked = now
        except DatabaseError as error:  # nobody is told anything new until the database is back
            log.warning("pulse: %s", error)
        finally:
            self._turn.release()

    def _grown(self) -> bool:
        """Whether the log has lines that are not known; an index-only count of a few pages."""
        ((number,),) = rows("SELECT count(*) FROM base_actionlog WHERE id > %s", (self.newest - LATE,))
        return bool(number != len(self.known))

    def changed(self, mark: list, since: float) -> bool:
        """Whether something that this mark's reader sees on its page was seen after `since`."""
        for one in reversed(self.news):
            if one.seen <= since:
                return False
            if _sees(mark, one) and _shows(mark, one):
                return True
        return False


def _sees(mark: list, one: News) -> bool:
    """Whether the line is about the reader's own reach: all, own branch, or own organisation."""
    org_id, scope, path, *_rest = mark
    if scope == Scope.ALL or org_id in (one.seller_id, one.buyer_id):
        return True
    return bool(scope == Scope.BRANCH and (one.seller_path.startswith(path) or one.buyer_path.startswith(path)))


def _shows(mark: list, one: News) -> bool:
    """Whether the page shows what the line is about: its own document, others of the same trade, or anything on a page of everything."""
    kind, pk, seller_id, buyer_id = mark[3:7]
    if not kind or (one.kind == kind and pk in (None, one.subject_id)):
        return True
    related = kind in TRADE and one.kind in TRADE
    return related and (pk is None or (one.seller_id, one.buyer_id) == (seller_id, buyer_id))


WATCH = Watch()
_ME = str(os.getpid())


def answer(request: HttpRequest) -> HttpResponse:
    """204 when nothing changed, 200 when the page is old, 403 for a mark that is none or has ended; `Pulse` is what to ask with next time."""
    try:
        mark = signing.loads(request.GET.get("at", ""), salt=SALT, max_age=LIFE)
    except signing.BadSignature:
        return HttpResponse(status=403)
    WATCH.look()
    told, _dash, moment = request.GET.get("since", "").partition("-")
    try:
        since = float(moment) - (0 if told == _ME else MARGIN)
    except ValueError:  # the first time: since the page was made
        since = mark[-1] - MARGIN
    response = HttpResponse(status=200 if WATCH.changed(mark, since) else 204)
    response["Pulse"] = f"{_ME}-{WATCH.looked}"
    response["Cache-Control"] = "no-store"
    return response


class PulseMiddleware:
    """Answers the pulse before everything else that a page costs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return answer(request) if request.path == ADDRESS and request.method == "GET" else self.get_response(request)
