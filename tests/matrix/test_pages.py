"""Every page in both languages, its exports, the roles' figures, and every template: shown text is translated, files obey the rules of the page."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from matrix_ladder import ABSENT, leaks, needed, rows, values_of
from matrix_routes import Route, all_routes
from matrix_rows import ROWS
from matrix_rules import rule_of
from matrix_visit import ANONYMOUS, Answer, Visitor
from matrix_world import ROLES

from qudao.base.access import all_verbs

pytestmark = pytest.mark.django_db
PAGES = [r for r in all_routes() if not r.api and "GET" in r.methods and (rule := rule_of(r)) is not None and not rule.skip]
LISTS = [r for r in PAGES if not r.parameters and "/" not in r.key]
SRC = Path(settings.PACKAGE)
#: where a code stands instead of a sentence ("orders.no_price")
CODE = re.compile(r"^(?:" + "|".join(settings.MODULES) + r")\.[a-z_]+$")
#: Chinese words that stand in English pages, too: names of the language, and of things in the world of the matrix
OWN_WORDS = {"中文", "简体中文", "箱", "品牌"}
#: the product's name, which stands in both languages
KEPT = {"Qudao"}


@cache
def chinese() -> dict[str, str]:
    """English text → Chinese text, of every compiled catalogue."""
    found = {}
    for folder in settings.LOCALE_PATHS:
        compiled = Path(folder) / "zh_Hans" / "LC_MESSAGES" / "django.mo"  # what is loaded; that it lacks nothing is the house's test of the .po
        if compiled.exists():
            found |= {entry.msgid: entry.msgstr for entry in polib.mofile(str(compiled))}
    return found


@cache
def drawn() -> frozenset[str]:
    """The icons of the built sprite."""
    lines = (settings.ROOT / "assets" / "icons.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def shown(markup: str) -> Iterator[str]:
    """The texts that a person reads: between tags, and in title, placeholder and aria-label; not what says itself that it is in another language."""
    bare = re.sub(r"<(script|style|textarea|svg)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    bare = re.sub(r"<span lang=\"[\w-]+\">[^<]*</span>", " ", bare)
    for text in [*re.findall(r">([^<]+)<", bare), *re.findall(r"\s(?:title|placeholder|aria-label)=\"([^\"]+)\"", bare)]:
        if text.strip():
            yield html.unescape(" ".join(text.split()))


def untranslated(answer: Answer) -> Iterator[str]:
    """Texts of a Chinese page that are English sentences of the product, or bare codes."""
    for text in shown(answer.markup):
        if text in KEPT:
            continue
        if CODE.match(text) and text not in all_verbs():  # a right is shown with its name
            yield f"a code instead of a sentence: {text}"
        elif chinese().get(text, text) != text:
            yield f"in English: {text}"


@cache
def english() -> frozenset[str]:
    """The Chinese sentences of the product: none of them stands in an English page."""
    return frozenset(other for text, other in chinese().items() if text and other != text and re.search(r"[\u4e00-\u9fff]", other))


def own_values(visitor: Visitor, route: Route, role: str) -> dict[str, object] | None:
    """The address of a row that this role sees, or None when it sees none."""
    rule = needed(route)
    if not rule.row:
        return values_of(visitor.world, route, rule, "", 0)
    found = rows(visitor.world, rule.row)
    for key, pk in found.ids.items():
        if key in found.sees.get(role, ()):
            return values_of(visitor.world, route, rule, key, pk)
    return None


@pytest.mark.parametrize("route", PAGES, ids=lambda r: r.label)
def test_a_page_speaks_both_languages(route: Route, visitor: Visitor) -> None:
    wrong = []
    for role in (ANONYMOUS, "hq_admin", "dealer_admin") if needed(route).public else ("hq_admin", "dealer_admin"):
        values = own_values(visitor, route, role)
        if values is None:
            continue
        for language in ("zh-hans", "en"):
            answer = visitor.go(role, route, "GET", values, language=language)
            if not answer.markup:
                continue
            tag = re.search(r'<html[^>]*\blang="(\w+)', answer.markup)
            if tag and tag[1] != language[:2]:
                wrong.append(f"{role}: asked for {language}, the page says lang={tag[1]}")
            wrong += [f"no icon {name}" for name in re.findall(r"#i-([a-z0-9-]+)", answer.markup) if name not in drawn()]
            if language == "zh-hans":
                wrong += [f"{role}: {line}" for line in untranslated(answer)]
            else:
                wrong += [f"{role}: in Chinese: {line}" for line in shown(answer.markup) if line in english() and line not in OWN_WORDS]
    assert not wrong, "\n  ".join([f"/{route.address}", *sorted(set(wrong))])


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.label)
def test_an_empty_list_says_so_in_words(route: Route, visitor: Visitor) -> None:
    """Where nothing matches: a sentence, not a bare table."""
    answer = visitor.go("hq_admin", route, "GET", {"?": "?q=no-such-thing-anywhere"})
    if 'id="list"' in answer.markup and "q-rows" not in answer.markup:
        assert "q-none" in answer.markup, f"/{route.address} is empty and says nothing"


def test_an_untranslated_text_is_found() -> None:
    english = next((text for text, other in chinese().items() if other and other != text and "{" not in text and "<" not in text), None)
    markup = f"<p>orders.no_price</p><p>{html.escape(english or '')}</p><p>SO-1</p><script>x</script>"
    found = list(untranslated(Answer(200, "", markup, [], markup)))
    assert len(found) == (2 if english else 1)


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.label)
def test_an_export_shows_no_more_than_the_page(route: Route, visitor: Visitor) -> None:
    """The same list as a file, for every role that may open it: nothing foreign is in it."""
    wrong = []
    for role in ROLES:
        for kind in ("csv", "xlsx") if role in ("hq_warehouse", "stranger") else ("csv",):
            answer = visitor.go(role, route, "GET", {"?": f"?export={kind}"})
            if answer.status == 500:
                wrong.append(f"{role} {kind}: {answer.error}")
            wrong += leaks(visitor.world, role, 0, answer, f"{kind} as {role}: {answer.status}")
    assert not wrong, "\n  ".join([f"/{route.address}", *wrong])


def test_prices_are_shown_to_those_who_may_see_them(visitor: Visitor) -> None:
    """The other half of “betrays nothing”: the two sides, and who holds the grant, do read the amount of an order."""
    (route,) = (r for r in all_routes() if r.label == "api:orders/#")
    for key, sees in (
        ("t1", ("hq_admin", "hq_clerk", "dealer")),
        ("t2", ("hq_admin", "stranger")),
        ("t3", ("hq_admin", "hq_finance", "dealer_admin", "sub_dealer")),
    ):
        order = visitor.world.trades[key].orders[0]
        for role in sees:
            answer = visitor.go(role, route, "GET", {route.parameters[0]: order.pk})
            assert f"{order.gross}" in answer.text and order.number in answer.text, f"{role} does not read the amount of {key}"
    answer = visitor.go("hq_warehouse", route, "GET", {route.parameters[0]: visitor.world.trades["t3"].orders[0].pk})
    assert answer.status == 200 and '"gross": null' in answer.text, "the warehouse sees the order of two others, not its amounts"


def test_costs_and_margins_are_for_their_keepers(visitor: Visitor) -> None:
    """What LH and D001 pay is read by their own people with the grant, and by nobody else, on no page and in no answer."""
    product, order = visitor.world.products[0].pk, visitor.world.trades["t1"].orders[0].pk
    sees = {**dict.fromkeys(("hq_admin", "hq_finance", "hq_auditor", "hq_channel"), "777.31"), "dealer_admin": "888.13"}
    routes = {r.label: r for r in all_routes()}
    for label, row in (("page:costs", 0), ("page:products/#", product), ("api:costs", 0), ("page:orders/#", order), ("api:orders/#/margin", order)):
        route = routes[label]
        for role in ROLES:
            answer = visitor.go(role, route, "GET", {route.parameters[0]: row} if row else {})
            if "orders" not in label:
                read = {amount for amount in ("777.31", "888.13") if amount in answer.text}
                assert read == ({sees[role]} if role in sees else set()), f"{role} at {label} reads {read}"
            elif role in sees and role != "dealer_admin":
                assert "2331.93" in answer.text, f"{role} at {label} does not read what three pieces cost"
            else:
                assert "2331.93" not in answer.text and answer.status in (200, 403, 404), f"{role} at {label}: {answer.status}"


def test_nobody_can_sign_up(visitor: Visitor) -> None:
    """People come by invitation: no address of a library makes an account."""
    User = get_user_model()
    before = User._base_manager.count()
    browser = Client(raise_request_exception=False)
    for address in ("/accounts/signup/", "/accounts/3rdparty/signup/"):
        browser.post(address, {"username": "intruder", "email": "intruder@example.com", "password1": "Korrekt-Pferd-99", "password2": "Korrekt-Pferd-99"})
    assert User._base_manager.count() == before, "somebody signed up without an invitation"


#: templates that no address shows: parts that another test renders, mails, faults of the server
ELSEWHERE = re.compile(r"(^|/)mail/|^errors/500\.html$")


def test_every_template_is_rendered(visitor: Visitor) -> None:
    """By some page of the product, whole or as a region for htmx; or it is named in a test."""
    for route in PAGES:
        for role in (ANONYMOUS,) if needed(route).public else ("hq_admin", "dealer"):
            if (values := own_values(visitor, route, role)) is None:
                continue
            visitor.go(role, route, "GET", values)
            if role == "hq_admin":
                visitor.go(role, route, "GET", values, target="list" if route in LISTS else "ask")
                if "POST" in route.methods:
                    visitor.go(role, route, "POST", values, body={"name": "till", "days": "30"})
    (detail,) = (r for r in PAGES if r.label == "page:orders/#")
    visitor.go("dealer", detail, "GET", {detail.parameters[0]: ABSENT}, target="refused")
    (payment,) = (r for r in PAGES if r.label == "page:payments/#")  # a credit note is a payment with lines
    visitor.go("hq_admin", payment, "GET", {payment.parameters[0]: ROWS["credits"](visitor.world).ids["t1"]})
    tests = "\n".join(p.read_text(encoding="utf-8") for p in SRC.rglob("tests/*.py"))
    every = {p.relative_to(folder).as_posix() for folder in SRC.glob("*/templates") for p in folder.rglob("*") if p.is_file()}
    missing = sorted(t for t in every - visitor.seen if not ELSEWHERE.search(t) and t not in tests)
    assert len(visitor.seen & every) > 5, "the signal of rendered templates is lost"
    assert not missing, f"no page, region or test renders {missing}"
