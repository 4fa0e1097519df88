// What typed lines come to. Only changed rows are sent, with the sums of the others; the answer is written into their cells and into the
// regions beside. One request at a time; a row changed meanwhile is asked again. Editors say where to ask with data-quote.
import { box, cells, clearHints, fill, filled, lines, merge, set } from "./lines.js";

const CHUNK = 500;
const states = new WeakMap();
let keys = 0;

const key = (row) => (row.dataset.key ??= String(++keys));
const cents = (text) => Number(text.replace(".", ""));
const amount = (value) => { const text = String(Math.abs(value)).padStart(3, "0"); return `${value < 0 ? "-" : ""}${text.slice(0, -2)}.${text.slice(-2)}`; };
// known: row → what the server said of it, amounts in cents; nothing here walks the thousands of rows of a long order for one key
const state = (root) => states.get(root) ?? states.set(root, { known: new Map(), dirty: new Set(), kept: new Set(), hints: new Set(), focus: null, busy: false, timer: 0 }).get(root);

function queue(root, wait) {
  const here = state(root);
  clearTimeout(here.timer);
  here.timer = setTimeout(() => send(root), wait);
}

function body(root, rows) {
  const here = state(root);
  const form = root.closest("form");
  const data = new FormData();
  for (const name of ["csrfmiddlewaretoken", "agreement", "dealer", "kind", "requested_on"]) if (form.elements[name]) data.set(name, form.elements[name].value);
  const prefix = root.dataset.lines;
  for (const row of rows) {
    data.append(`${prefix}-ref`, key(row));
    for (const cell of cells(row)) data.append(cell.name, cell.value);
  }
  const rest = { lines: 0, wrong: 0, net: 0, tax: 0, gross: 0 };
  const sent = new Set(rows);
  for (const [row, said] of here.known) {
    if (sent.has(row) || here.dirty.has(row)) continue;
    rest.lines += 1;
    if (said.bad) rest.wrong += 1;
    if (said.amounts) { rest.net += said.amounts[0]; rest.tax += said.amounts[1]; rest.gross += said.amounts[2]; }
  }
  for (const row of here.dirty) if (!sent.has(row) && row.isConnected && filled(row)) rest.lines += 1;
  data.set("address-for", form.elements.address?.dataset.addresses ?? "");
  data.set("rest-lines", rest.lines);
  data.set("rest-wrong", rest.wrong);
  for (const name of ["net", "tax", "gross"]) data.set(`rest-${name}`, amount(rest[name]));
  const explained = here.focus?.isConnected && filled(here.focus) ? here.focus : rows.at(-1); // on an empty row: the line typed last
  here.explained = explained;
  if (explained) data.set("focus", key(explained));
  return new URLSearchParams(data);
}

async function send(root) {
  const here = state(root);
  if (here.busy || !root.isConnected) return;
  here.busy = true;
  for (const row of here.dirty) if (!row.isConnected || !filled(row)) { here.dirty.delete(row); here.known.delete(row); if (row.isConnected) write(row, { show: {}, hints: "", bad: false }); }
  const rows = [...here.dirty].slice(0, CHUNK);
  rows.forEach((row) => here.dirty.delete(row));
  const focused = here.focus?.isConnected && filled(here.focus) && !here.dirty.has(here.focus) ? here.focus : null;
  const all = focused && !rows.includes(focused) ? [...rows, focused] : rows;
  try {
    const answer = await fetch(root.dataset.quote, { method: "POST", body: body(root, all), headers: { Accept: "application/json" } });
    if (answer.ok) told(root, all, await answer.json());
    else if (answer.redirected || answer.status === 401) location.reload();
  } catch { rows.forEach((row) => here.dirty.add(row)); here.again = true; } // no network: asked again with the next change
  here.busy = false;
  if (here.dirty.size && !here.again) send(root);
  here.again = false;
}

function told(root, rows, said) {
  const here = state(root);
  for (const row of rows) {
    const news = said.rows[key(row)];
    if (!news || here.dirty.has(row)) continue;
    here.known.set(row, { ...news, amounts: news.amounts?.map(cents), code: row.querySelector("[data-product]").value.trim().toUpperCase() });
    write(row, news, here.kept.has(row));
  }
  twice(root);
  const form = root.closest("form");
  const select = form.elements.address;
  if (said.addresses && select) {
    select.replaceChildren(...said.addresses.map(([value, text]) => new Option(text, value)));
    select.dataset.addresses = said.agreement ?? "";
    if (said.addresses.some(([value]) => value === select.dataset.wanted)) select.value = select.dataset.wanted; // of a draft
    delete select.dataset.wanted;
  }
  const aside = document.getElementById("preview");
  if (aside) aside.innerHTML = said.aside;
  const why = document.getElementById("line-why");
  if (why && rows.length) why.innerHTML = said.line;
  here.words ??= [[...form.querySelectorAll("[data-submit]")], [...form.querySelectorAll("[data-total]")]];
  here.words[0].forEach((span) => { span.textContent = said.submit; });
  here.words[1].forEach((span) => { span.textContent = said.total; });
  root.dispatchEvent(new CustomEvent("lines:told", { bubbles: true }));
}

function write(row, news, keepHints = false) {
  for (const cell of row.querySelectorAll("[data-show]")) {
    const text = news.show[cell.dataset.show] ?? "";
    if (cell.textContent !== text) cell.textContent = text;
  }
  if (keepHints) return;
  const typing = row.contains(document.activeElement) && document.activeElement.matches("[data-product]"); // too early to complain
  clearHints(row);
  if (!news.hints || typing) return;
  row.classList.add("pre");
  row.classList.toggle("bad", news.bad);
  if (news.bad) cells(row)[0].setAttribute("aria-invalid", "true");
  row.insertAdjacentHTML("afterend", news.hints);
}

// The same product on two lines is a slip or a wish: said once, at the later line, with the way to put both together.
function twice(root) {
  const here = state(root);
  here.hints.forEach((hint) => hint.remove());
  here.hints.clear();
  const first = new Map();
  const again = [];
  for (const [row, said] of here.known) {
    if (!said.amounts || !row.isConnected) continue;
    const other = first.get(said.code);
    if (!other) { first.set(said.code, row); continue; }
    const later = other.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (!later) first.set(said.code, row);
    again.push(later ? row : other);
  }
  for (const row of again.slice(0, 50)) {
    const one = first.get(here.known.get(row).code);
    if (row.contains(document.activeElement) && document.activeElement.matches("[data-product]")) continue;
    const hint = document.createElement("tr");
    hint.className = "hint c-wait twice";
    const text = Object.assign(document.createElement("span"), { textContent: root.dataset.wordsTwice.replace("{n}", one.querySelector(".rowno").textContent) });
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: root.dataset.wordsAdd });
    button.addEventListener("click", () => together(root, one, row));
    const wrap = Object.assign(document.createElement("span"), { className: "d-flex align-items-center gap-2 flex-wrap" });
    wrap.append(text, button);
    const cellOf = Object.assign(document.createElement("td"), { className: "pad", colSpan: row.cells.length - 1 });
    cellOf.append(wrap);
    hint.append(Object.assign(document.createElement("td"), { className: "pad hide" }), cellOf);
    row.classList.add("pre");
    row.after(hint);
    here.hints.add(hint);
  }
}
function together(root, one, other) {
  const base = (row) => Number((row.querySelector("[data-show=base]")?.textContent ?? "").replace(/[^0-9.]/g, ""));
  merge(root, one, other, String(Math.round((base(one) + base(other)) * 10_000) / 10_000));
}

document.addEventListener("lines:changed", (event) => {
  const root = event.target.closest("[data-quote]");
  if (!root) return;
  const here = state(root);
  for (const row of event.detail?.rows ?? []) { here.dirty.add(row); here.kept.delete(row); }
  queue(root, here.dirty.size > 1 ? 0 : 120);
});
document.addEventListener("focusin", (event) => {
  const root = box(event.target)?.closest("[data-quote]");
  const row = root && event.target.closest("tr.ln");
  if (!row) return;
  const here = state(root);
  if (here.focus !== row) {
    const left = here.focus;
    here.focus = row;
    if (left?.isConnected && here.known.has(left) && !here.dirty.has(left)) { write(left, here.known.get(left), here.kept.has(left)); twice(root); }
    if (filled(row)) queue(root, 120);
  } else if (here.known.has(row) && !here.dirty.has(row) && event.target.matches(":not([data-product])")) write(row, here.known.get(row), here.kept.has(row));
});
document.addEventListener("change", (event) => {
  const root = event.target.matches?.("[name=agreement], [name=kind], [name=requested_on]") && event.target.form?.querySelector("[data-quote]");
  if (!root) return;
  lines(root).filter(filled).forEach((row) => state(root).dirty.add(row));
  queue(root, 0);
});

// The next price break is one press away: the line that is explained takes the quantity.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take]");
  const root = button?.closest("form")?.querySelector("[data-quote]");
  const row = root && state(root).explained;
  if (row?.isConnected) set(root, row, "qty", button.dataset.take)?.focus();
});

function start(found) {
  found.querySelectorAll?.("[data-quote]").forEach((root) => {
    if (root.dataset.quoted) return;
    root.dataset.quoted = "1";
    const rows = lines(root).filter(filled);
    for (const row of rows) { state(root).dirty.add(row); if (row.matches(".bad, .pre")) state(root).kept.add(row); }
    if (rows.length) queue(root, 0);
  });
}

// A file with lines: checked on the server, its good and bad rows put into the editor, what is wrong said above it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-order-file]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const form = link.closest("form");
  const input = Object.assign(document.createElement("input"), { type: "file", accept: ".xlsx,.xls,.ods,.csv,.txt,.tsv" });
  input.addEventListener("change", () => { if (input.files[0]) upload(form, link.href, input.files[0]); });
  input.click();
});
async function upload(form, url, file) {
  const data = new FormData();
  for (const name of ["csrfmiddlewaretoken", "agreement", "dealer"]) if (form.elements[name]) data.set(name, form.elements[name].value);
  data.set("file", file);
  const said = document.getElementById("file-said");
  said.setAttribute("aria-busy", "true");
  const answer = await fetch(url, { method: "POST", body: data, headers: { Accept: "application/json" } });
  said.removeAttribute("aria-busy");
  if (!answer.headers.get("Content-Type")?.includes("json")) { location.href = url; return; }
  const news = await answer.json();
  said.innerHTML = news.said;
  said.querySelector("[data-errors]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    data.set("errors", "1");
    const sheet = await fetch(url, { method: "POST", body: data });
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await sheet.blob()), download: event.target.closest("a").download });
    link.click();
    URL.revokeObjectURL(link.href);
  });
  const root = form.querySelector("[data-lines]");
  if (news.rows.length) {
    const blank = lines(root).find((row) => !filled(row));
    fill(root, blank, 0, news.rows);
  }
}
// Modules that need each other begin when all are read.
queueMicrotask(() => { start(document); document.addEventListener("htmx:load", (event) => start(event.target)); });
