"""The other half of the product's pages, in a file of its own so that a second process walks them; and the main ones, looked at more closely."""

from __future__ import annotations

import pytest
from browser_visit import chinese
from browser_world import NOTE, PEOPLE
from test_pages import MAIN, Lived, checked, everywhere, lived, unfit

__all__ = ["lived"]  # the world that test_pages makes

pytestmark = pytest.mark.browser

#: the Chinese of an English page: names of people, units, the way back to Chinese
KNOWN_CHINESE = frozenset({"中文", "简体中文", "台", "箱", NOTE, *(name for _org, _role, name in PEOPLE.values())})


@pytest.mark.parametrize(("who", "address"), everywhere()[1::2])
def test_a_page_fits_both_widths_and_is_fit_for_everybody_too(who: str, address: str, lived: Lived) -> None:
    wrong = unfit(who, address, lived)
    assert not wrong, "\n  ".join(wrong)


@pytest.mark.parametrize("address", MAIN)
def test_a_main_page_is_fit_for_everybody(address: str, lived: Lived) -> None:
    """In English, with axe at both widths, light and dark."""
    visit = lived.open(address, "en")
    assert visit is not None, "this page is gone: take it off MAIN"
    wrong = [f"in Chinese: {text}" for text in chinese(visit.texts(), KNOWN_CHINESE)]
    wrong += visit.grave()
    wrong += checked(visit)
    visit.page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    visit.page.wait_for_timeout(300)  # colours change over 120 ms; half-way they meet no contrast
    wrong += [f"on a phone, dark: {one}" for one in visit.grave()]
    assert not wrong, "\n  ".join([visit.page.url, *wrong])
