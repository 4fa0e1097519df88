"""Where somebody works and who the manager is: said by who keeps the people, without any right."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.tests.edit_cell import edit
from qudao.kernel.errors import Invalid, NotFound
from qudao.people.actions import place_member
from qudao.people.models import Membership
from qudao.people.pages.members import PeopleList
from qudao.people.tests.make import sign_in


def test_department_and_manager_are_said_and_give_no_right(client, cast):
    made = place_member(cast.hq_clerk.membership_id, " Sales ", cast.hq_finance.membership_id, actor=cast.hq_admin)
    assert (made.department, made.manager_id, made.role.code) == ("Sales", cast.hq_finance.membership_id, "hq_clerk")
    for manager in (cast.hq_clerk.membership_id, cast.dealer.membership_id, 99_999_999):
        with pytest.raises(Invalid):
            place_member(cast.hq_clerk.membership_id, "", manager, actor=cast.hq_admin)
    at, hq = reverse("person_place", args=[made.pk]), sign_in(client, cast.hq_admin)
    assert "Sales" in hq.get(at).content.decode()
    assert hq.post(at, {"department": "East", "manager_id": ""}).status_code == 302
    made.refresh_from_db()
    assert (made.department, made.manager_id) == ("East", None)
    with pytest.raises(NotFound):
        place_member(made.pk, "", None, actor=cast.dealer_admin)
    with pytest.raises(IntegrityError, match="people_membership_manager_another"), transaction.atomic():
        Membership.unscoped.filter(pk=made.pk).update(manager=made.pk)


def test_department_and_manager_are_changed_in_the_list(cast):
    row, boss = Membership.unscoped.get(pk=cast.hq_clerk.membership_id), cast.hq_finance.membership_id
    assert edit(PeopleList, cast.hq_admin, row, "department", "North").status == 200
    cell = edit(PeopleList, cast.hq_admin, row, "manager", str(boss))
    row.refresh_from_db()
    assert (row.department, row.manager_id, cell.raw) == ("North", boss, str(boss)) and cast.hq_finance.name in cell.line
    late = edit(PeopleList, cast.hq_admin, row, "manager", "", was="")
    assert late.status == 409 and cast.hq_finance.name in late.fault  # in words, not as a number
    assert edit(PeopleList, cast.hq_admin, row, "manager", str(cast.dealer.membership_id)).status == 422
    assert edit(PeopleList, cast.hq_admin, row, "manager", "").raw == ""
    with pytest.raises(NotFound):
        edit(PeopleList, cast.dealer_admin, row, "department", "South")
