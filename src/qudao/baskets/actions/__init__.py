"""Everything that changes a basket, a template or a favourite. A basket is locked before it changes; it stands before every document."""

from qudao.baskets.actions.fill import add_lines, clear_basket, describe_basket, put_lines, remove_line, reorder, set_line, submit_basket
from qudao.baskets.actions.keep import change_template, load_template, remove_template, save_template, set_favourite, unload_template

__all__ = [
    "add_lines", "change_template", "clear_basket", "describe_basket", "load_template", "put_lines", "remove_line", "remove_template", "reorder",
    "save_template", "set_favourite", "set_line", "submit_basket", "unload_template",
]  # fmt: skip
