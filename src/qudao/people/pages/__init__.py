"""Pages of people: the way in, one's own account, the people and roles of an organisation."""

from __future__ import annotations

from qudao.people.pages import me, members, signin

routes = [*signin.routes, *me.routes, *members.routes]
