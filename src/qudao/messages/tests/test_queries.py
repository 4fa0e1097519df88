"""The bell and the sentence."""

import pytest
from django.utils import translation

from qudao.kernel import clock
from qudao.kernel.errors import NotFound
from qudao.messages import queries
from qudao.messages.models import Notice, Preference


def make_notice(user_id, code="approvals.waiting", event_id=1, **params):
    return Notice.unscoped.create(
        user_id=user_id, event_id=event_id, code=code, params=params, created_at=clock.now(), subject_kind="orders.order", subject_id=1, number="SO-1"
    )


@pytest.mark.parametrize(
    ("code", "params", "text"),
    [
        ("approvals.waiting", {"amount": "5.00"}, "SO-1 over 5.00 waits for your approval."),
        ("approvals.waiting", {}, "Something happened with SO-1."),  # a parameter is missing
        ("approvals.none", {}, "SO-1 does not wait for any approval."),  # a text kept among the sentences
        ("nowhere.at_all", {}, "Something happened with SO-1."),
    ],
)
def test_a_sentence_is_found_by_its_code_and_never_breaks(code, params, text):
    with translation.override("en"):
        assert queries.sentence(Notice(code=code, params=params, number="SO-1")) == text


def test_the_bell_is_one_statement(cast, django_assert_num_queries):
    make_notice(cast.dealer.user_id)
    make_notice(cast.dealer.user_id, event_id=2)
    with django_assert_num_queries(1):
        assert queries.unread_count(cast.dealer) == 2
    assert queries.unread_count(cast.hq_admin) == 0


def test_a_notice_belongs_to_its_person_whatever_the_scope(cast):
    notice = make_notice(cast.dealer.user_id)
    assert queries.notice(cast.dealer, notice.pk) == notice
    for actor in (cast.hq_admin, cast.dealer_admin, cast.stranger):
        with pytest.raises(NotFound):
            queries.notice(actor, notice.pk)
    assert [one.pk for one in queries.notices(cast.dealer, unread=True)] == [notice.pk]


def test_mail_readers_are_active_and_asked_for_it(cast):
    Preference.unscoped.create(user_id=cast.dealer.user_id, by_email=True)
    Preference.unscoped.create(user_id=cast.stranger.user_id, by_email=False)
    asked = [cast.dealer.user_id, cast.stranger.user_id, cast.hq_clerk.user_id]
    assert queries.unscoped_email_readers(asked, "orders.x") == {cast.dealer.user_id}
    assert queries.wants_email(cast.dealer) and not queries.wants_email(cast.stranger)
