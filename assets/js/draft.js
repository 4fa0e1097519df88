// Unsaved lines survive a reload, a crash and a lost connection: kept in this browser for the person who typed them, until they are submitted.
// Each open page has a place of its own, held by a lock that ends with the page; so two desks side by side do not mix.
import { fill, filled, lines, values } from "./lines.js";

const PREFIX = "qudao-draft:";
const HEAD = ["dealer", "agreement", "requested_on", "po_number", "note"];

const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };

async function place(form) {
  const base = `${PREFIX}${form.dataset.draft}:${location.pathname}:`;
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
    if (field && kept.head[name] && !field.value) field.value = kept.head[name];
  }
  if (kept.client) form.elements.client_id.value = kept.client;
  if (kept.rows.length) fill(root, lines(root)[0], 0, kept.rows);
}

async function start(form) {
  const root = form.querySelector("[data-lines]:not([data-fixed])");
  if (!root || form.dataset.kept) return;
  form.dataset.kept = "1";
  const name = await place(form);
  const kept = read(name);
  const asks = new URLSearchParams(location.search);
  if (kept && !lines(root).some(filled) && !asks.has("again")) restore(form, root, kept);
  const texts = new WeakMap(); // a row's values, read again only when it changed
  let timer = 0;
  const keep = (sent) => {
    clearTimeout(timer);
    timer = 0;
    const head = Object.fromEntries(HEAD.filter((field) => form.elements[field]).map((field) => [field, form.elements[field].value]));
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

function said(form, number) {
  const mark = form.querySelector("[data-kept]");
  if (!mark) return;
  const time = new Date().toLocaleTimeString("en-GB");
  mark.textContent = number ? mark.dataset.kept.replace("{time}", time) : "";
}

// Another page has come after a submit: what was sent has arrived.
function arrived() {
  for (const name of Object.keys(localStorage)) {
    if (!name.startsWith(PREFIX) || name.split(":")[2] === location.pathname) continue;
    if (read(name)?.sent) localStorage.removeItem(name);
  }
}

function begin(found) { found.querySelectorAll?.("form[data-draft]").forEach(start); }
queueMicrotask(() => { arrived(); begin(document); document.addEventListener("htmx:load", (event) => begin(event.target)); });
