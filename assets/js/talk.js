// Conversations: a draft that stays, names after @, photos made small before they are sent; and the inbox by keyboard.
import { typing } from "./keys.js";

const drafts = "qudao draft ";
const store = { get: (key) => { try { return localStorage.getItem(drafts + key); } catch { return null; } }, set: (key, value) => { try { if (value) localStorage.setItem(drafts + key, value); else localStorage.removeItem(drafts + key); } catch { /* private window: no draft */ } } };

function restore(root) {
  for (const form of root.querySelectorAll("form[data-talk]")) {
    const key = form.getAttribute("action");
    if (!form.text.value && store.get(key)) form.text.value = store.get(key);
  }
}
restore(document);
document.addEventListener("htmx:afterSwap", () => restore(document));
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-talk]");
  if (form && event.detail.successful && event.detail.requestConfig.verb === "post") store.set(form.getAttribute("action"), "");
});
document.addEventListener("htmx:beforeSwap", (event) => { // sent: the answer's empty field must not get the old draft back
  const form = event.detail.requestConfig?.elt;
  if (form?.matches?.("form[data-talk]") && event.detail.xhr.status < 300) store.set(form.getAttribute("action"), "");
});

// While somebody writes, the pulse leaves the page alone; what the other side says meanwhile appears above the field all the same.
setInterval(async () => {
  const form = document.querySelector("form[data-talk]");
  if (document.hidden || !form || !(form.text.value || document.activeElement === form.text) || form.matches(".htmx-request")) return;
  try {
    const answer = await fetch(form.getAttribute("action"), { headers: { "HX-Request": "true", "HX-Target": "talk" } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-feed]");
    const now = document.querySelector("[data-feed]");
    if (fresh && now && fresh.querySelectorAll("li").length !== now.querySelectorAll("li").length) now.replaceWith(fresh);
  } catch { /* no connection: the next turn tries again */ }
}, 4500);

// --- names after @ ---
let list = null;
let asked = 0;
function close() { list?.remove(); list = null; }
function at(field) { return /@([^\s@]{0,20})$/u.exec(field.value.slice(0, field.selectionStart)); }
function choose(field, name) {
  const found = at(field);
  if (!found) return;
  const start = field.selectionStart - found[0].length;
  field.setRangeText(`@${name} `, start, field.selectionStart, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close();
  field.focus();
}
async function offer(field) {
  const found = at(field);
  const turn = ++asked;
  if (!found) { close(); return; }
  const answer = await fetch(`${field.form.dataset.talk}?q=${encodeURIComponent(found[1])}`, { headers: { "X-Requested-With": "fetch" } });
  if (turn !== asked || !answer.ok) return;
  const { results } = await answer.json();
  close();
  if (!results.length) return;
  list = document.createElement("div");
  list.className = "q-drop left q-names";
  list.setAttribute("role", "listbox");
  results.forEach((one, n) => {
    const item = Object.assign(document.createElement("button"), { type: "button", className: n ? "it" : "it on", textContent: one.name });
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(!n));
    item.append(Object.assign(document.createElement("span"), { className: "dim fs-s ms-2", textContent: one.note }));
    item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(field, one.name); });
    item.dataset.name = one.name;
    list.append(item);
  });
  field.after(list);
}
document.addEventListener("input", (event) => {
  const field = event.target.closest?.("form[data-talk] textarea");
  if (!field) return;
  store.set(field.form.getAttribute("action"), field.value);
  if (!event.isComposing) offer(field);
});
document.addEventListener("compositionend", (event) => { const field = event.target.closest?.("form[data-talk] textarea"); if (field) offer(field); });
document.addEventListener("keydown", (event) => {
  if (!list || event.isComposing || !event.target.matches("form[data-talk] textarea")) return;
  const items = [...list.children];
  const now = items.findIndex((item) => item.classList.contains("on"));
  if (event.key === "Escape") close();
  else if ((event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey) choose(event.target, items[now].dataset.name);
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const next = (now + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length;
    items.forEach((item, n) => { item.classList.toggle("on", n === next); item.setAttribute("aria-selected", String(n === next)); });
  } else return;
  event.preventDefault();
});
document.addEventListener("focusout", (event) => { if (event.target.matches("form[data-talk] textarea")) setTimeout(close, 150); });

// --- photos ---
const MOST = 300_000;
async function small(file) {
  if (!/^image\/(jpeg|png|webp)$/.test(file.type) || file.size <= MOST) return file;
  const { default: Compressor } = await import("compressorjs");
  const shrink = (quality, edge) => new Promise((done, failed) => new Compressor(file, { quality, maxWidth: edge, maxHeight: edge, convertTypes: ["image/png", "image/webp"], convertSize: 0, success: done, error: failed }));
  for (const [quality, edge] of [[0.8, 1600], [0.6, 1600], [0.5, 1200], [0.4, 900]]) {
    const made = await shrink(quality, edge);
    if (made.size <= MOST || edge === 900) return new File([made], `${file.name.replace(/\.[^.]+$/, "")}.jpg`, { type: made.type });
  }
  return file;
}
document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!input.matches?.("input[type=file][data-photo]") || !input.files.length) return;
  const form = input.form;
  const button = form.querySelector("button:not([type=button])");
  if (button) button.disabled = true;
  try {
    const made = new DataTransfer();
    for (const file of input.files) made.items.add(await small(file).catch(() => file));
    input.files = made.files;
  } finally {
    if (button) button.disabled = false;
  }
  const place = input.closest("[data-photos]") ?? form;
  const told = place.querySelector("[data-chosen]");
  told?.classList.remove("text-danger");
  if (told) told.textContent = [...place.querySelectorAll("input[type=file]")].flatMap((one) => [...one.files].map((file) => `${file.name} ${Math.ceil(file.size / 1000)} KB`)).join(", ");
});

// At a receipt only the lines that differ ask for a photo.
function differing() {
  for (const row of document.querySelectorAll("[data-photo-of]")) {
    const line = document.querySelector(`[name="lines-ref"][value="${CSS.escape(row.dataset.photoOf)}"]`)?.closest("tr");
    if (!line) continue;
    const typed = (name) => Number.parseFloat(line.querySelector(`[name="lines-${name}"]`)?.value || "0");
    const shipped = Number.parseFloat(line.querySelector('[data-show="shipped"]')?.textContent || "0");
    const here = document.querySelector("[name=more]")?.checked || typed("received") === shipped; // what comes later does not differ
    row.hidden = here && !["damaged", "over", "refused", "wrong"].some(typed) && ![...row.querySelectorAll("input")].some((one) => one.files.length);
  }
  const card = document.querySelector("[data-differing]");
  if (card) card.hidden = ![...card.querySelectorAll("[data-photo-of]")].some((row) => !row.hidden);
}
differing();
// What is damaged or wrong needs a photo where the seller asks for one: told before the form is sent, because files do not come back with a refusal.
document.addEventListener("submit", (event) => {
  const asks = event.target.querySelector?.("[data-differing][data-asks]")?.dataset.asks;
  const bare = asks ? [...event.target.querySelectorAll("[data-photo-of]")].filter((row) => {
    const line = event.target.querySelector(`[name="lines-ref"][value="${CSS.escape(row.dataset.photoOf)}"]`)?.closest("tr");
    const typed = ["damaged", "wrong"].some((name) => Number.parseFloat(line?.querySelector(`[name="lines-${name}"]`)?.value || "0") > 0);
    const lacks = typed && ![...row.querySelectorAll("input")].some((one) => one.files.length);
    const told = row.querySelector("[data-chosen]");
    told.classList.toggle("text-danger", lacks);
    if (lacks) told.textContent = asks;
    return lacks;
  }) : [];
  if (!bare.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  bare[0].querySelector("input").focus();
  bare[0].scrollIntoView({ block: "center" });
}, true);
document.addEventListener("input", (event) => { if (event.target.matches?.("[name^=lines-], [name=more]")) differing(); });

// --- inbox: e marks the row under the cursor as read, and the next one comes under it ---
document.addEventListener("keydown", async (event) => {
  if (event.key !== "e" || typing(event) || !document.querySelector("[data-inbox]")) return;
  const form = document.querySelector("[data-list] form[data-bulk]");
  const rows = [...document.querySelectorAll("[data-list] tbody tr")];
  const place = Math.max(0, rows.findIndex((row) => row.classList.contains("cur")));
  const box = rows[place]?.querySelector("[name=pick]");
  if (!form || !box) return;
  event.preventDefault();
  const headers = { "Content-Type": "application/json", "X-CSRFToken": form.csrfmiddlewaretoken.value };
  const answer = await fetch("/api/v1/notices/read", { method: "POST", headers, body: JSON.stringify({ ids: [Number(box.value)] }) });
  if (!answer.ok) return;
  await window.htmx.ajax("GET", location.pathname + location.search, { target: "#list", swap: "innerHTML" });
  for (let n = 0; n <= place; n += 1) document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
});
