// What is typed and not yet sent survives a reload, a crash and a lost connection: kept in this browser for the person who typed it, until it is
// submitted. Each open page has a place of its own, held by a lock that ends with the page; so two desks side by side do not mix.
// A form with a line editor that grows (the desk) keeps its head and rows; every other form with data-draft keeps its fields.
import { fill, filled, lines, values } from "./lines.js";

const PREFIX = "qudao-draft:";
const HEAD = ["dealer", "agreement", "kind", "requested_on", "po_number", "note", "address"];
/** how long fields are kept, in milliseconds: what was typed a week ago is not what is there now */
const LONG = 7 * 86_400_000;
const places = new Map(); // base → { name, form }: a form that comes back in the same page takes its place again

const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };

// Where a form posts to names it; of the desk, its page alone: what stands behind the ? is a first proposal there.
function address(form, whole) {
  const url = new URL(form.getAttribute("action") || location.href, location.href);
  return encodeURIComponent(url.pathname + (whole ? url.search : ""));
}
async function place(form, whole) {
  const base = `${PREFIX}${form.dataset.draft}:${address(form, whole)}:`;
  const before = places.get(base);
  if (before && !before.form.isConnected) { before.form = form; return before.name; }
  const name = await free(base);
  places.set(base, { name, form });
  return name;
}
async function free(base) {
  if (!navigator.locks) return base + 0;
  for (let n = 0; n < 9; n += 1) {
    const got = await new Promise((settle) => {
      navigator.locks.request(base + n, { ifAvailable: true }, (lock) => { settle(Boolean(lock)); return lock ? new Promise(() => {}) : undefined; });
    });
    if (got) return base + n;
  }
  return base + 9;
}

function restore(form, root, kept) {
  for (const name of HEAD) {
    const field = form.elements[name];
    const value = kept.head[name];
    if (!field || !value || (field.value && field.tagName !== "SELECT")) continue;
    if (name === "address") field.dataset.wanted = value; // the addresses come with the agreement: see quote.js
    if (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === value)) field.value = value;
  }
  if (kept.client) form.elements.client_id.value = kept.client;
  if (kept.rows.length) fill(root, lines(root)[0], 0, kept.rows);
  form.elements.agreement?.dispatchEvent(new Event("change", { bubbles: true }));
}

async function start(form) {
  const root = form.querySelector("[data-lines]:not([data-fixed])");
  if (form.dataset.kept) return;
  form.dataset.kept = "1";
  const name = await place(form, !root);
  if (!root) { fields(form, name); return; }
  const kept = read(name);
  const asks = new URLSearchParams(location.search);
  if (kept && !lines(root).some(filled) && !asks.has("again")) restore(form, root, kept);
  const texts = new WeakMap(); // a row's values, read again only when it changed
  let timer = 0;
  const keep = (sent) => {
    clearTimeout(timer);
    timer = 0;
    const head = Object.fromEntries(HEAD.filter((field) => form.elements[field]).map((field) => [field, form.elements[field].dataset.wanted ?? form.elements[field].value]));
    const rows = lines(root).map((row) => texts.get(row) ?? texts.set(row, values(row)).get(row)).filter((row) => row.some(Boolean));
    try {
      if (!rows.length && !sent && !head.dealer && !head.po_number && !head.note) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify({ head, rows, client: sent ? form.elements.client_id.value : "", sent, at: Date.now() }));
      said(form, rows.length);
    } catch { said(form, 0); } // no room: nothing is claimed
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(() => keep(false), 250); };
  const touched = () => {
    if (form.dataset.sent) { delete form.dataset.sent; form.elements.client_id.value = crypto.randomUUID?.() ?? ""; } // another order than the one sent
    later();
  };
  if (kept?.sent) form.dataset.sent = "1";
  form.addEventListener("lines:changed", (event) => { event.detail?.rows?.forEach((row) => texts.delete(row)); if (event.detail?.rows) touched(); });
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", () => keep(true));
  addEventListener("pagehide", () => { if (timer) keep(Boolean(form.dataset.busy)); });
}

// A form of fields: the same fields about the same rows take what was typed in them, and it is said that they did.
const plain = (form) => [...form.elements].filter((field) => field.name && !["csrfmiddlewaretoken", "client_id"].includes(field.name) && !["file", "password", "submit", "button"].includes(field.type));
const shape = (form) => plain(form).map((field) => (field.type === "hidden" ? `${field.name}=${field.value}` : field.name)).join("&");
const open = (form) => plain(form).filter((field) => field.type !== "hidden");
const value = (field) => (["checkbox", "radio"].includes(field.type) ? field.checked : field.multiple ? [...field.options].filter((one) => one.selected).map((one) => one.value) : field.value);
function put(field, kept) {
  if (["checkbox", "radio"].includes(field.type)) field.checked = kept;
  else if (field.multiple) for (const one of field.options) one.selected = kept.includes(one.value);
  else field.value = kept;
}
function fields(form, name) {
  const first = open(form).map(value), same = (others) => JSON.stringify(first) === JSON.stringify(others);
  const kept = read(name);
  let timer = 0;
  const keep = (sent) => {
    clearTimeout(timer);
    timer = 0;
    const now = open(form).map(value);
    try {
      if (!sent && same(now)) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify({ shape: shape(form), values: now, client: sent ? form.elements.client_id?.value : "", sent, at: Date.now() }));
    } catch { /* no room: nothing is claimed */ }
  };
  if (kept?.shape === shape(form) && Date.now() - kept.at < LONG && !same(kept.values)) {
    open(form).forEach((field, n) => put(field, kept.values[n]));
    if (kept.client && form.elements.client_id) form.elements.client_id.value = kept.client;
    back(form, () => { open(form).forEach((field, n) => put(field, first[n])); localStorage.removeItem(name); told(form); });
    told(form);
  }
  if (kept?.sent) form.dataset.sent = "1";
  const later = () => {
    if (form.dataset.sent && form.elements.client_id) { delete form.dataset.sent; form.elements.client_id.value = crypto.randomUUID?.() ?? ""; } // another one than was sent
    clearTimeout(timer);
    timer = setTimeout(() => keep(false), 250);
  };
  for (const kind of ["input", "change", "lines:changed"]) form.addEventListener(kind, later);
  form.addEventListener("submit", () => keep(true));
  addEventListener("pagehide", () => { if (timer && form.isConnected) keep(Boolean(form.dataset.busy)); });
}
function told(form) {
  for (const field of open(form)) for (const kind of field.matches("[data-product], [data-suggest]") ? ["change"] : ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
}
function back(form, anew) {
  const note = Object.assign(document.createElement("div"), { className: "q-note" });
  note.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: form.dataset.wordsAnew });
  button.addEventListener("click", () => { anew(); note.remove(); });
  note.append(Object.assign(document.createElement("span"), { className: "flex-fill", textContent: form.dataset.wordsBack }), button);
  if (form.closest("dialog")) form.querySelector(".card-body").prepend(note);
  else form.querySelector(".q-head").after(note);
}

function said(form, number) {
  const mark = form.querySelector("[data-kept]");
  if (!mark) return;
  const time = new Date().toLocaleTimeString("en-GB");
  mark.textContent = number ? mark.dataset.kept.replace("{time}", time) : "";
}

// Another page has come after a submit: what was sent has arrived.
function arrived() {
  for (const name of Object.keys(localStorage)) {
    if (!name.startsWith(PREFIX) || [location.pathname, location.pathname + location.search].map(encodeURIComponent).includes(name.split(":")[2])) continue;
    if (read(name)?.sent) localStorage.removeItem(name);
  }
}

function begin(found) { found.querySelectorAll?.("form[data-draft]").forEach(start); }
queueMicrotask(() => { arrived(); begin(document); document.addEventListener("htmx:load", (event) => begin(event.target)); });
