"""GET /pulse/: has something changed on this page? Asked by every visible page each few seconds, so it stands before sessions and rights.

Each process watches the log of actions: one statement a second at most, however many ask, and only while somebody asks. A change is known by the moment this
process saw it. Another process may have seen it a little earlier or later, so what it told a page is taken with a margin: rather once too often.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
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
#: so many lines are remembered at most
MOST = 20_000
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

    @property
    def orgs(self) -> set[int]:
        """Its two sides and all above either: in whose reach it lies."""
        above = {int(pk) for path in (self.seller_path, self.buyer_path) for pk in path.split("/") if pk}
        return above | {pk for pk in (self.seller_id, self.buyer_id) if pk is not None}


class Watch:
    """What this process knows of the log: all of it, each organisation's part (so that an answer never walks what others do), the last of each kind."""

    def __init__(self) -> None:
        self.news: deque[News] = deque()
        self.of_org: defaultdict[int, deque[News]] = defaultdict(deque)
        self.last: dict[str, float] = {}
        self.looked = 0.0
        self.newest = -1
        self.known: set[int] = set()
        self._turn = threading.Lock()  # who reads the log
        self._hold = threading.Lock()  # held for as long as the lines are changed or walked, never during a statement

    def look(self) -> None:
        """Read what is new, unless that was done less than a second ago or is being done now."""
        if clock.now().timestamp() - self.looked < LOOK or not self._turn.acquire(blocking=False):
            return
        try:
            now = clock.now().timestamp()
            first = self.newest < 0  # what was before this process looked is taken as seen when it was said to happen
            if first:
                ((self.newest,),) = rows("SELECT coalesce(max(id), 0) FROM base_actionlog")
            found = rows(NEWS, (self.newest - LATE,)) if first or self._grown() else ()
            with self._hold:
                for pk, at, *fields in found:
                    if pk not in self.known:
                        self.known.add(pk)
                        self._remember(News(at.timestamp() if first else now, *fields))
                        self.newest = max(self.newest, pk)
                self.known = {pk for pk in self.known if pk > self.newest - LATE}
                while self.news and (self.news[0].seen < now - MEMORY or len(self.news) > MOST):
                    self._forget()
            self.looked = now
        except DatabaseError as error:  # nobody is told anything new until the database is back
            log.warning("pulse: %s", error)
        finally:
            self._turn.release()

    def _remember(self, one: News) -> None:
        self.news.append(one)
        self.last[one.kind] = max(one.seen, self.last.get(one.kind, 0.0))
        for org in one.orgs:
            self.of_org[org].append(one)

    def _forget(self) -> None:
        """The oldest line: it stands first in each part it is in."""
        for org in self.news.popleft().orgs:
            part = self.of_org[org]
            part.popleft()
            if not part:
                del self.of_org[org]

    def _grown(self) -> bool:
        """Whether the log has lines that are not known; an index-only count of a few pages."""
        ((number,),) = rows("SELECT count(*) FROM base_actionlog WHERE id > %s", (self.newest - LATE,))
        return bool(number != len(self.known))

    def changed(self, mark: list, since: float) -> bool:
        """Whether something that this mark's reader sees on its page was seen after `since`."""
        kind, pk = mark[3:5]
        if kind and not any(self.last.get(k, 0.0) > since for k in (TRADE if kind in TRADE else (kind,))):
            return False
        if kind and pk is None and mark[1] == Scope.ALL:
            return True
        with self._hold:
            for one in self._near(mark):
                if one.seen <= since:
                    return False
                if _sees(mark, one) and _shows(mark, one):
                    return True
        return False

    def _near(self, mark: list) -> Iterable[News]:
        """The lines that can be about this mark, the newest first: of its document's buyer, else of the reader's organisation and those below it."""
        org_id, scope, *_rest, buyer_id, _made = mark
        org_id = buyer_id if buyer_id is not None else org_id if scope != Scope.ALL else None
        return reversed(self.news if org_id is None else self.of_org.get(org_id, ()))


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
