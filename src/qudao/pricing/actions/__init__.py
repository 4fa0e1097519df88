"""Every change of prices. A list is locked before its prices change, so that two planners cannot interleave; grants only insert."""

from qudao.pricing.actions.changes import (
    ChangeDraft,
    change_subject,
    draft_change,
    drop_change,
    edit_change,
    move_prices,
    oppose_change,
    put_prices,
    recall_change,
    release_change,
    remove_lines,
    told_effect,
)
from qudao.pricing.actions.levels import assign_wide, unassign_wide
from qudao.pricing.actions.lists import (
    ListDraft,
    assign_list,
    change_list,
    create_list,
    end_price,
    end_special_price,
    grant_special_price,
    grant_special_prices,
    load_prices,
    restore_prices,
    set_price,
    set_prices,
    subject_of,
    unassign_list,
)
from qudao.pricing.actions.mistakes import remove_lists, remove_special_prices
from qudao.pricing.actions.rates import remove_rates, set_rate, set_rates

__all__ = [
    "ChangeDraft", "change_subject", "draft_change", "drop_change", "edit_change", "move_prices", "oppose_change", "put_prices", "recall_change",
    "release_change", "remove_lines",
    "told_effect",
    "ListDraft", "assign_list", "assign_wide", "change_list", "create_list", "end_price", "end_special_price", "grant_special_price",
    "grant_special_prices", "load_prices", "remove_lists", "remove_rates", "remove_special_prices", "restore_prices", "set_price", "set_prices", "set_rate",
    "set_rates", "subject_of",
    "unassign_list", "unassign_wide",
]  # fmt: skip
