// The pulse: a visible page asks again and again whether something on it changed, and takes over what did: within five seconds, the server's look at its log,
// which is a second old at most, included. Focus, scroll, what is half typed,
// open menus and chosen rows stay; while a dialog is open or something is typed, the page waits.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { say } from "./keys.js";

const EVERY = 3600;
const main = document.querySelector("main[data-pulse]");
let since = "", due = false, timer = 0;

const text = "input:not([type=hidden], [type=checkbox], [type=radio], [type=search], [type=submit]), textarea";
const typed = (field) => field.value !== field.defaultValue;
const busy = () => document.querySelector("dialog[open]") || getSelection()?.toString() || document.querySelector(".htmx-request, [data-busy]")
  || main.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select")
  || [...main.querySelectorAll(text)].some(typed);

// What would be decided here: another case never slips under somebody's thumb.
const decided = (root) => root.querySelector("#yes")?.getAttribute("action");

function plan(wait = EVERY) {
  clearTimeout(timer);
  timer = setTimeout(beat, wait * (0.95 + Math.random() * 0.1));
}
async function beat() {
  if (document.hidden) return; // goes on when somebody looks again
  try {
    const answer = await fetch(`/pulse/?${new URLSearchParams({ at: main.dataset.pulse, since })}`, { cache: "no-store" });
    if (answer.status === 403) return;
    since = answer.headers.get("Pulse") ?? since;
    due ||= answer.status === 200;
    if (due && !busy()) await renew();
  } catch { /* no connection: the next beat tries again */ }
  plan();
}
async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("main[data-pulse]");
  if (!fresh || busy()) return; // somebody began to type meanwhile: due stays
  due = false;
  const inbox = main.querySelector("[data-gone]");
  if (inbox && decided(main) && decided(main) !== decided(fresh)) {
    if (!inbox.dataset.said) say(inbox.dataset.gone);
    inbox.dataset.said = "1";
    return;
  }
  name(main);
  name(fresh);
  const kept = [...main.querySelectorAll("tr.cur, tr.on")].map((row) => [row.id, row.className]);
  Idiomorph.morph(main, fresh.childNodes, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks: { beforeNodeMorphed, beforeAttributeUpdated } });
  main.dataset.pulse = fresh.dataset.pulse;
  for (const [id, css] of kept) { const row = document.getElementById(id); if (row) row.className = css; }
  const nav = document.querySelector(".q-nav"), news = page.querySelector(".q-nav");
  if (nav && news) Idiomorph.morph(nav, news.childNodes, { morphStyle: "innerHTML" });
  htmx.process(main);
  document.dispatchEvent(new CustomEvent("pulse:renewed"));
}
// A row is its document's, wherever it now stands: so its box and its focus go with it.
function name(root) {
  root.querySelectorAll("tr[data-href]:not([id])").forEach((row) => { if (row.dataset.href) row.id = `row:${row.dataset.href}`; });
}
function beforeNodeMorphed(old, fresh) {
  if (old.nodeType !== 1) return true;
  if (old.matches("[data-chart], [data-keep]")) return false;
  if (old.matches("input[type=checkbox], input[type=radio]")) fresh.checked = old.checked;
  return true;
}
function beforeAttributeUpdated(attribute, node) {
  return !(attribute === "open" && node.matches("details")) && !(attribute === "checked" && node.matches("input"))
    && !(attribute === "hidden" && node.matches(".q-bulk"));
}

if (main) {
  plan();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) plan(300); });
}
