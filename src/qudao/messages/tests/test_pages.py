"""Pages of notices."""

from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.messages import queries
from qudao.messages.models import Notice
from qudao.messages.tests.test_queries import make_notice
from qudao.people.tests.make import sign_in


def test_the_list_the_way_on_and_the_marks(client, cast, django_assert_max_num_queries):
    first, second, third = (make_notice(cast.dealer.user_id, event_id=n, amount="5.00") for n in range(3))
    dealer = sign_in(client, cast.dealer)
    with django_assert_max_num_queries(14):
        page = text(dealer.get(reverse("notices")))
    assert "SO-1 over 5.00 waits for your approval." in page and "Mark all as read" in page
    assert dealer.get(reverse("notice", args=[first.pk])).status_code == 302
    assert queries.unread_count(cast.dealer) == 2
    assert dealer.post(reverse("notices_read"), {"pick": [second.pk, "x"]}).status_code == 302
    assert Notice.unscoped.get(pk=third.pk).read_at is None
    assert dealer.post(reverse("notices_read")).status_code == 302
    assert queries.unread_count(cast.dealer) == 0
    assert dealer.get(reverse("notices_read")).status_code == 405


def test_email_is_switched_on_and_off(client, cast):
    dealer = sign_in(client, cast.dealer)
    dealer.post(reverse("notices_email"), {"by_email": "1"})
    assert queries.wants_email(cast.dealer) and "Stop e-mails" in text(dealer.get(reverse("notices")))
    dealer.post(reverse("notices_email"))
    assert not queries.wants_email(cast.dealer)
    assert dealer.get(reverse("notices_email")).status_code == 405


def test_nobody_opens_anothers_notice(client, cast):
    notice = make_notice(cast.dealer.user_id)
    assert sign_in(client, cast.hq_admin).get(reverse("notice", args=[notice.pk])).status_code == 404
    assert Notice.unscoped.get(pk=notice.pk).read_at is None


def test_an_order_notice_leads_to_the_order(client, cast):
    from qudao.messages.pages import address_of

    assert address_of(Notice(subject_kind="orders.order", subject_id=7)) == reverse("order", args=[7])
    assert address_of(Notice(subject_kind="nowhere.thing", subject_id=7)) == reverse("notices")


def test_topics_are_chosen_in_a_table(client, cast):
    dealer = sign_in(client, cast.dealer)
    page = text(dealer.get(reverse("notices_topics")))
    assert page.count('name="shown"') == page.count('name="mailed"') == 7 and page.count(" checked") == 7
    assert dealer.post(reverse("notices_topics"), {"shown": ["orders"], "mailed": ["messages"]}).status_code == 302
    assert queries.preferences(cast.dealer)["orders"] == (True, False) and queries.preferences(cast.dealer)["messages"] == (False, True)
    assert not queries.wants_digest(cast.dealer) and 'name="daily" value="1"' in page
    dealer.post(reverse("notices_topics"), {"shown": ["orders"], "mailed": ["messages"], "daily": "1"})
    assert queries.wants_digest(cast.dealer) and page.count(" checked") + 1 != text(dealer.get(reverse("notices_topics"))).count(" checked")
    assert dealer.post(reverse("notices_topics"), {"shown": ["no-such"]}).status_code == 422


def test_a_marking_is_taken_back_by_page(client, cast):
    make_notice(cast.dealer.user_id)
    dealer = sign_in(client, cast.dealer)
    dealer.post(reverse("notices_read"))
    at = Notice.unscoped.get(user_id=cast.dealer.user_id).read_at.isoformat()
    assert dealer.post(reverse("notices_unread"), {"at": at}).status_code == 302 and queries.unread_count(cast.dealer) == 1
    assert dealer.post(reverse("notices_unread"), {"at": "never"}).status_code == 302 and dealer.get(reverse("notices_unread")).status_code == 405
