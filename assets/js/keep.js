// Changing language or look reloads the page: what is half typed in its forms is kept over that reload, and over no other.
import { fill, lines, values } from "./lines.js";

const key = `keep:${location.pathname}${location.search}`;
const GROWING = "[data-lines]:not([data-fixed])";
// the lines of a basket are the server's, a whole desk its draft's
const drafted = (form) => form.matches("[data-draft]") && form.querySelector(GROWING);
const fields = () => [...document.querySelectorAll("main :is(form[data-form], form[data-entry]) :is(input, textarea, select)")]
  .filter((f) => f.name && !/^(hidden|password|file|submit)$/.test(f.type) && !f.closest(`[data-line], ${GROWING}`) && !drafted(f.form));
const editors = () => [...document.querySelectorAll(`main form[data-form] ${GROWING}`)].filter((root) => !drafted(root.closest("form")));

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-keep]")) return;
  const typed = fields().map((f) => [f.name, f.type === "checkbox" || f.type === "radio" ? f.checked : f.value]);
  const rows = editors().map((root) => lines(root).map(values));
  sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), typed, rows, scroll: scrollY }));
  if (event.submitter?.name === "language") at_once(event);
});

// What a page speaks is in a cookie: the page need not wait until the choice is written down for the person's other devices.
function at_once(event) {
  const form = event.target, said = new FormData(form), { value } = event.submitter;
  said.set("language", value);
  event.preventDefault();
  document.cookie = `qudao_language=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  addEventListener("pagehide", () => navigator.sendBeacon(form.action, said), { once: true });
  location.replace(form.elements.next.value);
}

const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
sessionStorage.removeItem(key);
if (kept && Date.now() - kept.at < 15000) {
  const now = fields();
  kept.typed.forEach(([name, value], i) => {
    const field = now[i]?.name === name ? now[i] : null;
    if (!field) return;
    if (typeof value === "boolean") field.checked = value; else field.value = value;
    if (value) field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  editors().forEach((root, i) => { if (kept.rows[i]?.some((row) => row.some(Boolean))) fill(root, lines(root)[0], 0, kept.rows[i]); });
  scrollTo(0, kept.scroll);
}
