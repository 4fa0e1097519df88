"""Notices over the API."""

from qudao.approvals.tests.make import Api
from qudao.messages.tests.test_queries import make_notice


def test_my_notices_and_nobody_elses(cast):
    notice = make_notice(cast.dealer.user_id, amount="5.00")
    other = make_notice(cast.stranger.user_id, amount="5.00")
    api = Api(cast.dealer)
    status, page = api("get", "/notices")
    assert (status, page["unread"], [one["id"] for one in page["items"]]) == (200, 1, [notice.pk])
    assert page["items"][0]["sentence"] == "SO-1 over 5.00 waits for your approval."
    assert api("post", "/notices/read", {"ids": [other.pk]})[1] == {"unread": 1}
    assert api("post", "/notices/read", {})[1] == {"unread": 0}
    assert api("get", "/notices?unread=true")[1]["items"] == []
    assert Api(cast.stranger)("get", "/notices")[1]["unread"] == 1
