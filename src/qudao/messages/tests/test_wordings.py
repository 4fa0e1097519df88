"""Own texts of notices: checked when saved, shown in the product and in mails, and never in the way of a notice."""

import pytest
from django.conf import settings
from django.core import mail
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from qudao.approvals.tests.make import Api
from qudao.base.models import ActionLog
from qudao.base.tests.page_text import text
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.messages import actions, queries, rules
from qudao.messages.models import Notice, Preference, Wording
from qudao.messages.rules import WordingDraft
from qudao.messages.states import PLACEHOLDERS
from qudao.messages.tests.test_actions import SYSTEM, ask
from qudao.messages.tests.test_queries import make_notice
from qudao.people.tests.make import sign_in

WAITING = "approvals.waiting"
KNOWN = ("number", "amount")


def own(actor, text, subject="", code=WAITING, language="en"):
    return actions.save_wording(code, language, WordingDraft(subject, text), actor=actor)


def test_every_placeholder_of_every_standard_text_is_named_and_both_languages_have_the_same(cast):
    kinds = queries.told_kinds(cast.hq_admin)
    assert len(kinds) > 70
    for kind in kinds:
        assert set(kind.known) <= set(PLACEHOLDERS), kind.code
        named = {language: set(rules.placeholders(told)) for language, told in kind.standard.items()}
        assert named["en"] == named["zh-hans"], kind.code
        assert all(rules.fill(told, dict.fromkeys(kind.known, "1")) for told in kind.standard.values()), kind.code


@pytest.mark.parametrize(
    ("draft", "codes"),
    [
        (WordingDraft("", ""), ["messages.wording_missing"]),
        (WordingDraft("", "{number} {nobody}"), ["messages.wording_unknown"]),
        (WordingDraft("{nobody}", "{number}"), ["messages.wording_unknown"]),
        (WordingDraft("", "{number.__class__}"), ["messages.wording_brace"]),
        (WordingDraft("", "{amount:>9999999}"), ["messages.wording_brace"]),
        (WordingDraft("", "{number"), ["messages.wording_brace"]),
        (WordingDraft("", "{} {{number}}"), ["messages.wording_brace"]),
        (WordingDraft("x" * 151, "y" * 1001), ["messages.too_long", "messages.too_long"]),
        (WordingDraft("Sign {number}", "{amount} for {number}"), []),
    ],
)
def test_a_text_is_checked_at_its_field(draft, codes):
    assert [fault.code for fault in rules.wording_faults(draft, KNOWN)] == codes


@given(st.text(alphabet="ab{}_.:!0 number｛｝\n\r\x00", max_size=40), st.text(alphabet="{}number \n\r", max_size=20))
def test_what_passes_the_check_can_be_filled_and_what_does_not_is_never_shown(said, subject):
    draft = WordingDraft(subject, said).clean()
    filled = rules.fill(draft.text, {"number": "7", "amount": "1.00"})
    if not rules.wording_faults(draft, KNOWN):
        assert filled and "{" not in filled
    assert "{" not in filled and "\n" not in draft.subject


def test_the_own_text_is_read_by_the_own_people_in_its_language_only(cast):
    for person in (cast.hq_clerk, cast.dealer):
        make_notice(person.user_id, event_id=person.user_id, amount="5000.00")
    own(cast.hq_admin, "Please sign ｛number｝: {amount}")
    with translation.override("en"):
        assert queries.sentence(queries.notices(cast.hq_clerk)[0]) == "Please sign SO-1: 5,000.00"
        assert queries.sentence(queries.notices(cast.dealer)[0]) == "SO-1 over 5,000.00 waits for your approval."
    with translation.override("zh-hans"):
        assert "Please sign" not in queries.sentence(queries.notices(cast.hq_clerk)[0])


def test_the_mail_has_the_own_title_and_text_of_the_side_the_reader_belongs_to(cast):
    Preference.unscoped.create(user_id=cast.hq_clerk.user_id, by_email=True)
    own(cast.hq_admin, "Sign {number},\nplease", "To sign: {number}", language="zh-hans")
    own(cast.hq_admin, "Sign {number},\nplease", "To sign: {number}")
    ask(user_ids=[cast.hq_clerk.user_id])
    notice = Notice.unscoped.get(user_id=cast.hq_clerk.user_id)
    actions.mail_notice(notice.event_id, cast.hq_clerk.user_id, actor=SYSTEM)
    assert mail.outbox[0].subject == "To sign: SO-42" and "Sign SO-42,\nplease" in mail.outbox[0].body


def test_a_broken_text_stops_no_notice(cast):
    for language, _name in settings.LANGUAGES:
        Wording.unscoped.create(org_id=cast.lh.pk, code=WAITING, language=language, subject="{\n", text="{nobody} {")
    Preference.unscoped.create(user_id=cast.hq_clerk.user_id, by_email=True)
    ask(user_ids=[cast.hq_clerk.user_id])
    notice = Notice.unscoped.get(user_id=cast.hq_clerk.user_id)
    with translation.override("en"):
        assert queries.sentence(queries.notices(cast.hq_clerk).get(pk=notice.pk)) == "SO-42 over 10.00 waits for your approval."
    actions.mail_notice(notice.event_id, cast.hq_clerk.user_id, actor=SYSTEM)
    assert "SO-42" in mail.outbox[0].subject and "{" not in mail.outbox[0].subject


def test_the_log_keeps_what_was_and_the_same_again_changes_nothing(cast):
    made = own(cast.hq_admin, "Sign {number}")
    own(cast.hq_admin, "Sign {number}")
    own(cast.hq_admin, "Sign {number} now")
    assert actions.reset_wording(WAITING, "en", actor=cast.hq_admin) == made
    assert actions.reset_wording(WAITING, "en", actor=cast.hq_admin) is None
    lines = ActionLog.unscoped.filter(subject_kind="messages.wording", subject_id=made.pk).order_by("id").values_list("detail", flat=True)
    assert [line["text"] for line in lines] == [["", "Sign {number}"], ["Sign {number}", "Sign {number} now"], ["Sign {number} now", ""]]
    assert Wording.unscoped.get().text == "" and not queries.told_kind(cast.hq_admin, WAITING, "en").own


def test_only_who_may_and_only_for_what_exists(cast):
    with pytest.raises(Forbidden):
        own(cast.hq_clerk, "x")
    with pytest.raises(NotFound):
        own(cast.hq_admin, "x", code="orders.no_such")
    with pytest.raises(NotFound):
        own(cast.hq_admin, "x", language="fr")
    with pytest.raises(Invalid):
        own(cast.hq_admin, "{day}")
    own(cast.dealer_admin, "Ours {number}")
    assert not queries.told_kind(cast.hq_admin, WAITING, "en").own


def test_the_preview_is_of_a_real_event_that_one_may_see(cast):
    told = queries.told_kind(cast.hq_admin, WAITING, "en")
    assert queries.example_of(cast.hq_admin, told).pk is None
    make_notice(cast.stranger.user_id, amount="1.00")
    assert queries.example_of(cast.hq_admin, told).pk is None, "of an order that is not there"
    mine = make_notice(cast.hq_admin.user_id, event_id=2, amount="7.00")
    example = queries.example_of(cast.hq_admin, told)
    assert example == mine and queries.preview(example, WordingDraft("T {number}", "{amount}"), "en") == ("T SO-1", "7.00")


def test_by_page_with_preview_and_back_to_the_standard(client, cast, django_assert_max_num_queries):
    admin, address = sign_in(client, cast.hq_admin), reverse("notice_text", args=[WAITING, "en"])
    with django_assert_max_num_queries(14):
        assert "Your task about {number} is due today" in text(admin.get(reverse("notice_texts")))
    assert "an invented event" in text(admin.get(address))
    make_notice(cast.hq_admin.user_id, amount="7.00")
    page = text(admin.post(address, {"text": "Sign {number} of {amount}!", "preview": "1"}))
    assert "Sign SO-1 of 7.00!" in page and not Wording.unscoped.exists()
    assert admin.post(address, {"text": "Sign {nobody}", "preview": "1"}).status_code == 422
    refused = admin.post(address, {"text": "Sign {nobody}"})
    assert refused.status_code == 422 and "This notice has no {nobody}; between braces can stand: {number}, {amount}." in refused.content.decode()
    assert admin.post(address, {"text": "Sign {number}!", "subject": "Sign"}).status_code == 302
    page = text(admin.get(address))
    assert "Back to the standard text" in page and "Sign SO-1!" in page and "Own text" in page
    assert admin.post(reverse("notice_text_standard", args=[WAITING, "en"])).status_code == 302
    assert Wording.unscoped.get().text == ""
    assert admin.get(reverse("notice_text", args=["no.such", "en"])).status_code == 404
    assert sign_in(client, cast.hq_clerk).get(address).status_code == 403


def test_by_api(cast):
    api = Api(cast.hq_admin)
    kinds = {(one["code"], one["language"]): one for one in api("get", "/notice-texts")[1]}
    assert kinds[WAITING, "en"]["placeholders"] == ["number", "amount"] and kinds[WAITING, "zh-hans"]["own"] is None
    status, made = api("put", f"/notice-texts/{WAITING}/en", {"text": "Sign {number}"})
    assert (status, made["own"]) == (200, {"text": "Sign {number}", "subject": ""})
    assert api("put", f"/notice-texts/{WAITING}/en", {"text": "{no_such}"})[0] == 422
    assert api("delete", f"/notice-texts/{WAITING}/en")[1]["own"] is None
    assert Api(cast.dealer)("get", "/notice-texts")[0] == 403
