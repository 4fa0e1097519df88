// From a list to its rows and on: a document knows the rows before and after it, and the way back leads to exactly that view of the list.
// Kept in this window's session storage: { back: address of the list, rows: [addresses], next: address of the list's next page }.
import { typing } from "./keys.js";

const KEY = "qudao.trail";
const read = () => { try { return JSON.parse(sessionStorage.getItem(KEY)) ?? []; } catch { return []; } };
const pathOf = (href) => new URL(href, location.href).pathname;

function keep(root, back) {
  const rows = [...root.querySelectorAll("tbody tr[data-href]")].map((row) => row.dataset.href).filter(Boolean);
  if (!rows.length) return null;
  const link = (rel) => root.querySelector(`a[rel=${rel}]`)?.getAttribute("href");
  const trail = { back, rows, next: link("next") && new URL(link("next"), location.origin + back).href, prev: link("prev") && new URL(link("prev"), location.origin + back).href };
  const others = read().filter((one) => pathOf(one.back) !== pathOf(back)).slice(-7);
  try { sessionStorage.setItem(KEY, JSON.stringify([...others, trail])); } catch { /* a full or forbidden storage: the plain way back stays */ }
  return trail;
}
const found = () => read().reverse().find((one) => one.rows.some((href) => pathOf(href) === location.pathname));

// The rows beyond this page of the list are asked for only when one goes there.
async function beyond(trail, side) {
  const answer = await fetch(trail[side], { headers: { "HX-Request": "true", "HX-Target": "list" } });
  if (!answer.ok) return null;
  const page = new DOMParser().parseFromString(`<div>${await answer.text()}</div>`, "text/html").body.firstElementChild;
  const next = keep(page, trail[side].slice(location.origin.length));
  return next && next.rows.at(side === "next" ? 0 : -1);
}
function show() {
  const list = document.querySelector("#list[data-list]");
  if (list) keep(list, location.pathname + location.search);
  const bar = document.querySelector("[data-trail]");
  if (!bar) return;
  const trail = found();
  bar.hidden = !trail;
  if (!trail) return;
  document.querySelectorAll("[data-back]").forEach((link) => { link.href = trail.back; });
  const here = trail.rows.findIndex((href) => pathOf(href) === location.pathname);
  for (const [side, href, more] of [["prev", trail.rows[here - 1], trail.prev], ["next", trail.rows[here + 1], trail.next]]) {
    const link = bar.querySelector(`[data-go=${side}]`);
    link.toggleAttribute("data-more", !href && Boolean(more));
    link.classList.toggle("disabled", !href && !more);
    if (href || more) { link.href = href ?? more; link.removeAttribute("aria-disabled"); }
    else { link.removeAttribute("href"); link.setAttribute("aria-disabled", "true"); }
  }
}
document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-go][data-more]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const trail = found();
  const href = trail && await beyond(trail, link.dataset.go);
  location.assign(href || link.href);
});
document.addEventListener("keydown", (event) => {
  const side = { "[": "prev", "]": "next", K: "prev", J: "next" }[event.key];
  if (!side || typing(event)) return;
  const link = document.querySelector(`[data-trail]:not([hidden]) [data-go=${side}][href]`);
  if (link) { event.preventDefault(); link.click(); }
});
document.addEventListener("htmx:afterSettle", show);
window.addEventListener("pageshow", show);
show();
