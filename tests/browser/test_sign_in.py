"""Signing in: password, lock-out in words, second factor."""

from __future__ import annotations

import time

import pytest
from browser_visit import Crowd, Visit, english
from browser_world import PASSWORD, World

from qudao.people.models import User
from qudao.people.rules import STEP_SECONDS, code_at

pytestmark = pytest.mark.browser


def type_in(visit: Visit, email: str, password: str = PASSWORD) -> None:
    """With the keyboard, as a person does."""
    visit.field("E-mail").fill(email)
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.type(password)
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")


def type_code(visit: Visit, code: str) -> None:
    """The field has the focus from the start."""
    visit.page.locator("#id_code:focus").wait_for()
    visit.page.keyboard.type(code)


def test_a_wrong_password_is_said_and_the_third_one_locks(crowd: Crowd, world: World, axes_on: None) -> None:
    visit = crowd.open()
    visit.go("/sign-in/?next=/orders/")
    type_in(visit, world.email("forgetful"), "wrong")
    visit.says("E-mail address or password is not right.")
    for _again in range(2):
        type_in(visit, world.email("forgetful"), "wrong")
    visit.says("Too many attempts. Signing in from here is locked for a while.", "Wait 15 minutes, or reset your password.")
    type_in(visit, world.email("forgetful"))  # the right one does not help now
    visit.says("Too many attempts.")
    assert visit.grave() == []

    # Somebody else at the same desk is not locked, and comes to the page that was asked for.
    type_in(visit, world.email("buyer"))
    visit.at("/orders/")
    visit.says("唐雨欣")


def test_a_second_factor_is_switched_on_and_asked_for(enter, world: World) -> None:
    visit = enter("careful")
    visit.go("/me/second-factor")
    secret = visit.page.locator(".code").inner_text()
    qr = visit.page.get_by_role("img", name="QR code for the authenticator app").locator("svg").bounding_box()
    assert qr and qr["width"] > 100, "large enough to scan"
    step = int(time.time()) // STEP_SECONDS  # half a minute may end while the page answers: a code counts one step before and after its own
    visit.field("Code of your app").fill(code_at(secret, step))
    visit.button("Switch on").click()
    visit.says("This is shown only now.")
    recovery = visit.page.locator(".code").first.inner_text()

    visit.go("/me/")
    with visit.page.expect_navigation():
        visit.page.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    type_in(visit, world.email("careful"))
    visit.at("/sign-in/code")
    type_code(visit, "000000")
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Enter")
    visit.says("This code is not right or was already used.", "Wait for the next code; check the clock of your phone.")
    visit.field("Code of your app").fill(code_at(secret, int(time.time()) // STEP_SECONDS + 1))
    visit.page.keyboard.press("Enter")
    visit.at("/")
    visit.says("顾晓岚")

    # Without the phone a recovery code opens the account, once.
    visit.page.context.clear_cookies()
    visit.go("/sign-in/")
    type_in(visit, world.email("careful"))
    type_code(visit, recovery)
    visit.page.keyboard.press("Enter")
    visit.at("/")


def test_the_language_changes_on_the_page_and_what_was_typed_stays(enter, world: World) -> None:
    visit = enter("admin")
    here = "/products/new?from=list"
    visit.go(here)
    form = visit.page.locator("main form[data-form]")
    form.locator("[name=code]").fill("KT-99")
    form.locator("[name=name]").fill("水壶")
    form.locator("[name=min_qty]").fill("12")
    for button, lang in (("中文", "zh-CN"), ("English", "en")):
        with visit.page.expect_navigation():
            visit.page.get_by_role("button", name=button).click()
        visit.at(here)
        assert visit.page.locator("html").get_attribute("lang") == lang
        assert [form.locator(f"[name={name}]").input_value() for name in ("code", "name", "min_qty")] == ["KT-99", "水壶", "12"]
        kept = User.unscoped.filter(pk=world.people["admin"].user_id, language={"zh-CN": "zh-hans"}.get(lang, lang))
        assert any(kept.exists() or time.sleep(0.1) for _look in range(30)), "other devices and mails speak it, too"


def test_a_half_typed_code_in_the_basket_stays_too(enter, world: World) -> None:
    visit = enter("buyer")
    visit.go("/basket/")
    visit.page.locator("[data-entry] [name=code]").fill("KT-17")
    visit.page.keyboard.press("Enter")
    visit.page.locator(".q-basket tbody [name=qty]").first.wait_for()
    visit.page.locator("[data-entry] [name=code]").fill("KT-1")
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="中文").click()
    assert visit.page.locator("html").get_attribute("lang") == "zh-CN"
    assert visit.page.locator("[data-entry] [name=code]").input_value() == "KT-1"
    assert not visit.page.locator("[name=qty][aria-invalid]").count(), "what stands in the basket is read in every language"
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="English").click()


def test_both_languages_are_a_click_away(crowd: Crowd, world: World) -> None:
    visit = crowd.open(language="zh")
    visit.go("/sign-in/")
    visit.says("登录", "邮箱")  # the browser asked for Chinese
    assert visit.page.locator("html").get_attribute("lang") == "zh-CN"
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="English").click()
    visit.says("Sign in")
    type_in(visit, world.email("clerk"))
    visit.at("/")
    visit.says("Home", "Needs action", "苏敏", "Lanhe Appliances")
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="中文").click()
    visit.says("首页", "苏敏", "岚禾电器")
    visit.go("/orders/")
    assert visit.page.locator("html").get_attribute("lang") == "zh-CN"
    visit.says("销售")

    # A phone has no room for the switch in its head: it is chosen in the profile.
    phone = crowd.open(world.cookies("clerk", "en", crowd.url), phone=True)
    phone.go("/me/")
    phone.page.get_by_role("link", name="Change", exact=True).tap()
    phone.field("Language").select_option("zh-hans")
    phone.button("Save").tap()
    phone.at("/me/")
    phone.says("我的账户")


def test_what_goes_wrong_on_a_page_is_found(crowd: Crowd) -> None:
    """The watch itself: a script that fails, one the content policy forbids, a missing file, something too wide, a picture without words."""
    visit = crowd.open()
    visit.go("/sign-in/")
    assert (visit.wide(), visit.grave(), visit.faults) == ("", [], [])
    with visit.page.expect_event("pageerror"), visit.page.expect_response("**/missing.png"):
        visit.page.evaluate("""() => {
          setTimeout(() => { throw new Error("on purpose"); });
          document.body.append(Object.assign(document.createElement("script"), { textContent: "window.forbidden = true" }));
          document.body.append(Object.assign(document.createElement("img"), { src: "/static/missing.png" }));
          const wide = document.createElement("div");
          wide.style.width = "3000px";
          wide.textContent = "Wide";
          document.body.append(wide);
        }""")
    said = "\n".join(visit.faults)
    assert "on purpose" in said and "script-src" in said and "missing.png: 404" in said
    assert "too wide" in visit.wide() and "image-alt" in "\n".join(visit.grave())
    assert list(english(["Wide", "宽 RC-40"], frozenset())) == ["'Wide' (Wide)"]
    visit.faults.clear()
