"""Every change of people, roles, sign-ins and tokens; one file per noun."""

from qudao.people.actions.account import (
    accept_invitation,
    ask_reset,
    change_password,
    change_profile,
    reset_password,
    set_password,
)
from qudao.people.actions.factors import disable_second_factor, enable_second_factor, renew_recovery_codes, reset_second_factor, use_second_factor
from qudao.people.actions.members import change_member, end_member, enrol_person, invite_person, place_member, resend_invitation
from qudao.people.actions.roles import ensure_system_roles, remove_role, write_role
from qudao.people.actions.sessions import end_other_sessions, end_session, make_token, note_tokens_used, open_session, revoke_token

__all__ = [
    "accept_invitation",
    "ask_reset",
    "change_member",
    "change_password",
    "change_profile",
    "disable_second_factor",
    "enable_second_factor",
    "end_member",
    "end_other_sessions",
    "end_session",
    "enrol_person",
    "ensure_system_roles",
    "invite_person",
    "make_token",
    "note_tokens_used",
    "open_session",
    "place_member",
    "remove_role",
    "renew_recovery_codes",
    "resend_invitation",
    "reset_password",
    "reset_second_factor",
    "revoke_token",
    "set_password",
    "use_second_factor",
    "write_role",
]
