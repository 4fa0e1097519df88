"""Who is meant, who is told, what may be written."""

from __future__ import annotations

import pytest

from qudao.kernel.errors import Invalid
from qudao.messages.rules import Following, Reader, checked, mentioned, pieces, told

WANG, WANGFANG, LI, OTHER = Reader(1, "王芳", 10), Reader(2, "王芳芳", 10), Reader(3, "Li Lei", 20, answers=True), Reader(4, "陈晨", 20)
EVERYBODY = [WANG, WANGFANG, LI, OTHER]


def test_of_two_names_the_longer_is_meant():
    assert mentioned("@王芳芳 看一下", EVERYBODY) == [WANGFANG]
    assert mentioned("@王芳 and @li lei, please", EVERYBODY) == [WANG, LI]
    assert mentioned("王芳 without the sign, a@b.example", EVERYBODY) == [] and mentioned("@", [Reader(9, "", 1)]) == []


def test_a_text_is_cut_at_its_mentions():
    assert pieces("Ask @王芳 today", ["王芳"]) == [("Ask ", False), ("@王芳", True), (" today", False)]
    assert pieces("@a.c <b>", ["a.c"]) == [("@a.c", True), (" <b>", False)] and pieces("x", []) == [("x", False)]


def whom(writer=1, org=10, internal=False, **sets):
    return told(writer, org, EVERYBODY, Following(**sets), internal=internal)


def test_the_other_side_hears_by_who_follows_and_else_by_whose_work_it_is():
    assert whom() == {3}, "nobody there did anything yet: whose work it is"
    assert whom(acted={4}) == {4} and whom(wrote={4}, acted={1}) == {4} and whom(named={4}) == {4}
    assert told(3, 20, [LI, WANG], Following(), internal=False) == {1}, "nobody whose work it is: everybody who sees it"


def test_colleagues_hear_when_they_wrote_or_are_named_and_the_writer_never():
    assert whom(wrote={1, 2}, acted={2, 4}) == {2, 4} and whom(acted={2, 4}) == {4}
    assert whom(named={1, 2, 4}) == {2, 4}


def test_an_internal_note_never_leaves_the_organisation():
    assert whom(internal=True, wrote={2, 3, 4}, acted={3, 4}, named={3}) == {2}
    assert whom(internal=True) == set()


WRONG = [("  ", 0, "messages.nothing_written"), ("x" * 4001, 0, "messages.too_long"), ("x", 7, "messages.too_many_files")]


@pytest.mark.parametrize(("text", "files", "code"), WRONG)
def test_nothing_and_too_much_are_refused(text, files, code):
    with pytest.raises(Invalid) as caught:
        checked(text, files)
    assert [fault.code for fault in caught.value.faults] == [code]


def test_what_is_kept_is_trimmed():
    assert checked(" a\r\nb\x00 ", 0) == "a\nb" and checked("", 1) == ""
