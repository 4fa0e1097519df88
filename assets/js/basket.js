// The basket: every click and every typed quantity is kept in a queue of this browser until the server has it, each with an id of its own, so that
// nothing is lost or counted twice, whatever the network does. Shown at once, confirmed by the server, and the same on every device.
// Each person has a queue of its own under each agreement; what waits under another agreement is sent from whatever basket or catalogue is open.
import { say } from "./keys.js";

const area = () => document.querySelector("[data-basket]");
const PREFIX = "basket:queue:";
/** what adds up in any order */
const SUMS = ["add", "entry"];
const mine = () => `${PREFIX}${area().dataset.owner}:`;
const own = () => mine() + area().dataset.basket;
const read = (key = own()) => { try { return JSON.parse(localStorage.getItem(key) ?? "[]"); } catch { return []; } };
const write = (queue, key = own()) => (queue.length ? localStorage.setItem(key, JSON.stringify(queue)) : localStorage.removeItem(key));
const waiting = () => (localStorage.getItem(own()) ? own() : Object.keys(localStorage).find((key) => key.startsWith(mine())));
const timers = new Map();
let sending = false, typed = 0;

function later(key, job, wait) {
  forget(key);
  timers.set(key, { job, id: setTimeout(() => { timers.delete(key); job(); }, wait) });
}
function forget(key) {
  clearTimeout(timers.get(key)?.id);
  timers.delete(key);
}

// One thing to send. What is not yet on its way is joined with what follows it: clicks add up, the latest quantity counts.
function put(kind, url, fields) {
  const queue = read(), last = queue.at(-1);
  const same = last && !last.sent && last.kind === kind && last.url === url && last.fields.product === fields.product;
  if (same && fields.delta !== undefined) last.fields.delta = String(Number(last.fields.delta) + Number(fields.delta));
  else if (same && kind !== "entry") last.fields = { agreement: last.fields.agreement, ...fields };
  else queue.push({ id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, kind, url, fields: { agreement: area().dataset.basket, ...fields } });
  write(queue);
  later("send", send, kind === "add" ? 120 : 0);
  return queue.at(-1).id;
}

async function send() {
  if (sending || !area()) return;
  sending = true;
  try {
    for (let key = waiting(); key; key = area() && waiting()) {
      const queue = read(key), one = queue[0];
      if (!one) { localStorage.removeItem(key); continue; }
      one.sent = true;
      write(queue, key);
      const answer = await post(one);
      if (!answer) { setTimeout(send, 2000); return; } // the network is away: the same id is sent again
      if ([401, 403].includes(answer.status) || new URL(answer.url).pathname === "/sign-in/") {
        // Signed out, or somebody else is signed in by now: it stays for its own person. What is forbidden even after that is let go.
        write(one.barred ? queue.slice(1) : [{ ...one, barred: true }, ...queue.slice(1)], key);
        location.reload();
        return;
      }
      write(read(key).filter((other) => other.id !== one.id), key);
      if (!answer.ok) refused(one);
      else if (area() && key === own() && !answer.redirected) await show(await answer.json(), one);
    }
  } finally { sending = false; }
}
async function post({ id, url, fields }) {
  const body = new URLSearchParams({ ...fields, client_id: id, owner: area()?.dataset.owner ?? "", known: document.querySelector("#basket-aside [data-known]")?.dataset.known ?? "" });
  const headers = { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"], "X-Basket": area()?.dataset.kind ?? "shop" };
  try {
    const answer = await fetch(url, { method: "POST", body, headers, keepalive: body.toString().length < 60000 });
    return answer.status >= 500 ? null : answer;
  } catch { return null; }
}
function refused(one) {
  say(document.body.dataset.wordsFailed, "c-wrong");
  document.querySelectorAll(`tbody[data-waiting="${one.id}"]`).forEach((row) => row.remove());
  if (one.kind !== "entry") look();
}

// The page goes: what is typed is kept, and what may go in any order is sent now; the rest at the next basket or catalogue, by the same id.
window.addEventListener("pagehide", () => {
  if (!area()) return;
  for (const [key, { job }] of [...timers]) if (key !== "names" && key !== "send") { forget(key); job(); }
  forget("send");
  const queue = read(), end = queue.findIndex((one, n) => n && !(SUMS.includes(one.kind) && SUMS.includes(queue[0].kind)));
  const now = (end < 0 ? queue : queue.slice(0, end)).filter((one) => !(sending && one.sent));
  for (const one of now) { one.sent = true; post(one); }
  if (now.length) write(queue);
});

// What the server says: totals, the aside, and the lines that changed. A field in which one types is left alone.
async function show(news, one) {
  const root = area();
  if (!root) return;
  if (news.redraw) { await redraw(root, news.said); return; }
  document.querySelectorAll(`tbody[data-waiting="${one?.id}"]`).forEach((row) => row.remove());
  root.dataset.version = news.version;
  const version = root.querySelector("[name=version]");
  if (version) version.value = news.version;
  const aside = document.getElementById("basket-aside");
  if (aside) {
    aside.innerHTML = news.aside;
    const bar = aside.querySelector("template[data-bar]"), place = document.getElementById("shop-bar");
    if (bar && place) place.replaceChildren(bar.content);
  }
  const total = root.querySelector("[data-total]");
  if (total) total.textContent = news.total;
  const waits = new Set(read().map((other) => other.fields.product));
  for (const [product, card] of Object.entries(news.cards)) if (!waits.has(product)) tell(product, card);
  if (one?.fields.product && !news.cards[one.fields.product] && !waits.has(one.fields.product)) tell(one.fields.product, { typed: "", held: "0", amount: "" });
  if (root.dataset.kind === "basket") lines(root, news, one);
  const said = root.querySelector("[data-said]");
  if (said && one?.kind === "entry") said.textContent = news.said;
}
// More changed than a page shows: the page is read anew; what is typed meanwhile stays.
async function redraw(root, words) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("basket");
  if (!fresh) return;
  const active = root.contains(document.activeElement) && document.activeElement.name ? document.activeElement : null;
  root.replaceWith(fresh);
  const again = active && fresh.querySelector(`[name="${active.name}"]`);
  if (again && active.closest("[data-entry]")) again.value = active.value;
  again?.focus();
  const said = fresh.querySelector("[data-said]");
  if (said) said.textContent = words;
}
// A pasted block is shown at once; red until the server has read it.
function shown(id, text) {
  const table = area().querySelector(".q-basket");
  if (!table) return;
  const rows = document.createDocumentFragment();
  for (const line of text.split(/\r?\n/)) {
    const [code, qty] = line.trim().split(/\t|,|;|\s{2,}/);
    if (!code) continue;
    const body = document.createElement("tbody"), row = body.insertRow();
    body.dataset.waiting = id;
    row.className = "ln bad";
    for (const [words, css] of [["", "pad hide"], [code, "pad wide"], [qty ?? "", "pad num"], ["", "hide"], ["", ""], ["", "hide"], ["", "hide"]]) Object.assign(row.insertCell(), { textContent: words, className: css });
    rows.append(body);
  }
  table.tHead.after(rows);
  area().querySelector("[data-none]")?.classList.add("d-none");
}
function tell(product, { typed: text, held, amount }) {
  const card = document.querySelector(`[data-card="${product}"]`);
  if (!card) return;
  card.dataset.held = held;
  const input = card.querySelector("[name=qty]");
  if (document.activeElement !== input) input.value = text;
  card.querySelector(".q-qty").classList.toggle("on", Number(held) > 0);
  card.querySelector("[data-amount]").textContent = amount;
}
function lines(root, news, one) {
  const table = root.querySelector(".q-basket");
  for (const [line, html] of Object.entries(news.rows)) {
    const fresh = Object.assign(document.createElement("table"), { innerHTML: html }).tBodies[0];
    const old = table.querySelector(`[data-line="${line}"]`);
    if (!old) { table.tHead.after(fresh); continue; }
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    if (!active) { old.replaceWith(fresh); continue; }
    for (const cell of fresh.querySelectorAll("[data-show]")) old.querySelector(`[data-show="${cell.dataset.show}"]`)?.replaceChildren(...cell.childNodes);
    old.querySelectorAll("tr.hint").forEach((row) => row.remove());
    old.append(...fresh.querySelectorAll("tr.hint"));
    old.firstElementChild.className = fresh.firstElementChild.className;
  }
  const gone = one?.kind === "line" && !news.rows[one.fields.line] && root.querySelector(`[data-line="${one.fields.line}"]`);
  if (gone) gone.remove();
  root.querySelector("[data-none]")?.classList.toggle("d-none", news.number > 0);
}

// Steppers: the figure moves at once, the server counts what was clicked.
function words(box, held) {
  const { factor, pack, unit, one } = box.dataset;
  if (held <= 0) return "";
  return factor && held % Number(factor) === 0 ? `${held / Number(factor)} ${pack}` : `${held} ${held === 1 ? one : unit}`;
}
document.addEventListener("click", (event) => {
  const by = event.target.closest("[data-basket] [data-by]");
  const box = by?.closest("[data-step]");
  if (!box) return;
  event.preventDefault();
  const before = Number(box.dataset.held), step = Number(box.dataset.step);
  const delta = by.dataset.by === "1" ? (before > 0 ? step : Number(box.dataset.first ?? step)) : -Math.min(step, before);
  if (!delta) return;
  const held = Math.round((before + delta) * 10000) / 10000;
  box.dataset.held = held;
  box.querySelector("[name=qty]").value = words(box, held);
  box.closest(".q-qty, form").classList.toggle("on", held > 0);
  box.querySelector(".q-qty")?.classList.toggle("on", held > 0);
  const line = box.closest("[data-line]");
  const product = box.dataset.card ?? line.dataset.product;
  put("add", area().dataset.linesUrl, { product, delta: String(delta) });
  if (line && held <= 0) line.remove();
});

// Quantities typed: kept half a second after the last key, or when one leaves the field.
function kept(input) {
  forget(input);
  const line = input.closest("[data-line]"), card = input.closest("[data-card]");
  if (input.value === input.defaultValue) return;
  input.defaultValue = input.value;
  if (card) put("set", area().dataset.linesUrl, { product: card.dataset.card, qty: input.value });
  else if (line) put("line", `${area().dataset.lineUrl}/${line.dataset.line}`, { line: line.dataset.line, code: line.querySelector("[name=code]")?.value ?? "", qty: line.querySelector("[name=qty]").value });
}
document.addEventListener("input", (event) => {
  const input = event.target.closest("[data-card] [name=qty], [data-line] input:not([type=hidden])");
  if (!input || event.isComposing) return;
  typed = Date.now();
  forget(input);
  if (input.value.trim()) later(input, () => kept(input), 500); // an empty field means a quantity to come, until one leaves it
});
document.addEventListener("change", (event) => {
  const input = event.target.closest("[data-card] [name=qty], [data-line] input:not([type=hidden])");
  if (input) kept(input);
  if (event.target.matches("select[data-go]")) event.target.form.requestSubmit();
});
document.addEventListener("keydown", (event) => {
  const input = event.target.closest("[data-card] [name=qty], [data-line] input:not([type=hidden])");
  if (!input || event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  kept(input);
  const all = [...document.querySelectorAll(`[data-basket] [name=${input.name}]`)].filter((one) => one.type !== "hidden" && one.closest("[data-card], [data-line]"));
  all[all.indexOf(input) + (event.shiftKey ? -1 : 1)]?.select();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-line] [data-put], [data-line] [data-take-out]");
  if (!button) return;
  event.preventDefault();
  const line = button.closest("[data-line]"), qty = line.querySelector("[name=qty]"), code = line.querySelector("[name=code]");
  const url = `${area().dataset.lineUrl}/${line.dataset.line}`;
  if (button.dataset.put) {
    (button.dataset.put === "code" ? code : qty).value = button.dataset.value;
    put("line", url, { line: line.dataset.line, code: code?.value ?? "", qty: qty.value });
    return;
  }
  const back = line.dataset.product && qty.value;
  line.remove();
  put("line", url, { line: line.dataset.line, remove: "1" });
  const root = area().dataset;
  say(root.wordsRemoved);
  if (!back) return;
  const undo = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: root.wordsUndo });
  undo.addEventListener("click", () => { put("set", root.linesUrl, { product: line.dataset.product, qty: back }); undo.closest(".q-toast").remove(); });
  document.querySelector("#toasts .q-toast:last-child span")?.after(undo);
});

// Quick entry: a scanner types a code and Enter faster than the server answers, so each is queued and the field is free at once.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-entry]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { code, qty } = form.elements;
  if (!code.value.trim()) return;
  put("entry", form.action, { code: code.value, qty: qty.value });
  code.value = qty.value = "";
  code.focus();
}, true);
document.addEventListener("paste", (event) => {
  const form = event.target.closest?.("[data-entry]");
  const text = form && event.clipboardData.getData("text/plain").replace(/[\r\n]+$/, "");
  if (!text || !/[\t\n]/.test(text)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  shown(put("entry", form.action, { block: text }), text);
}, true);

// Codes and names that fit what is typed, in the browser's own list.
document.addEventListener("input", (event) => {
  const input = event.target.closest("[data-names]");
  if (!input || event.isComposing || event.inputType === "insertReplacementText") return;
  later("names", async () => {
    const words = input.value.trim();
    if (!words) return;
    const answer = await fetch(`${input.dataset.names}?q=${encodeURIComponent(words)}&agreement=${area().dataset.basket}`).catch(() => null);
    if (!answer?.ok || input.value.trim() !== words) return;
    const { results } = await answer.json();
    input.list.replaceChildren(...results.map((one) => Object.assign(document.createElement("option"), { value: one.value, label: `${one.label} ${one.note}` })));
  }, 120);
});

// What is said of the whole order is kept as the lines are.
for (const kind of ["input", "change"]) document.addEventListener(kind, (event) => {
  const form = event.target.closest("[data-submit]");
  if (!form || event.isComposing || !["requested_on", "po_number", "note", "kind", "address"].includes(event.target.name)) return;
  typed = Date.now();
  later("head", () => {
    const { requested_on, po_number, note, kind, address } = form.elements;
    const said = { requested_on: requested_on.value, po_number: po_number.value, note: note.value, kind: kind.value, address: address?.value ?? "" };
    put("head", area().dataset.headUrl, said);
  }, 600);
});
// A submit waits for what is still on its way.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-submit]");
  if (!form || form.dataset.ready) return;
  form.querySelectorAll("[data-line] input:not([type=hidden])").forEach(kept);
  if (!sending && !read().length) { form.dataset.ready = "1"; return; }
  event.preventDefault();
  event.stopImmediatePropagation();
  const button = event.submitter;
  button?.setAttribute("aria-busy", "true");
  for (let n = 0; n < 100 && (sending || read().length); n += 1) { send(); await new Promise((go) => setTimeout(go, 50)); }
  button?.removeAttribute("aria-busy");
  form.dataset.ready = "1";
  form.requestSubmit(button?.isConnected ? button : form.querySelector("[value=submit]"));
}, true);
window.addEventListener("pageshow", () => document.querySelectorAll("[data-submit][data-ready]").forEach((form) => delete form.dataset.ready));

// The same basket on every device: asked every other second while the page is seen, drawn anew when another device changed it.
async function look() {
  const root = area();
  if (!root) return;
  if (root.dataset.kind === "shop") { const aside = document.getElementById("basket-aside"); if (aside) window.htmx.trigger(aside, "load"); cards(root); return; }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || read().length || sending) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("basket");
  const active = document.activeElement?.closest("#basket");
  if (fresh && !active) root.replaceWith(fresh);
  else if (fresh) { // one types: everything but the line under the hands
    const now = document.activeElement.closest("[data-line]");
    for (const line of fresh.querySelectorAll("[data-line]")) {
      const old = root.querySelector(`[data-line="${line.dataset.line}"]`);
      if (!old) root.querySelector(".q-basket").append(line); else if (old !== now) old.replaceWith(line);
    }
    for (const old of root.querySelectorAll("[data-line]")) if (!fresh.querySelector(`[data-line="${old.dataset.line}"]`) && old !== now) old.remove();
    document.getElementById("basket-aside").innerHTML = fresh.querySelector("#basket-aside").innerHTML;
    root.dataset.version = fresh.dataset.version;
    root.querySelector("[name=version]").value = fresh.dataset.version;
  }
}
async function cards(root) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const card of fresh.querySelectorAll("[data-card]")) tell(card.dataset.card, { typed: card.querySelector("[name=qty]").value, held: card.dataset.held, amount: card.querySelector("[data-amount]").textContent });
}
async function pulse() {
  const root = area();
  if (!root || document.hidden || sending || read().length || Date.now() - typed < 900 || document.querySelector("dialog[open]")) return;
  if (root.dataset.kind === "shop") root.dataset.version ||= document.querySelector("#basket-aside [data-version]")?.dataset.version ?? "";
  if (root.dataset.version === "" || root.dataset.version === undefined) return;
  const version = root.dataset.version;
  try {
    const answer = await fetch(`${root.dataset.pulseUrl}?agreement=${root.dataset.basket}&version=${version}`);
    if (answer.status !== 200 || root.dataset.version !== version || sending) return;
    root.dataset.version = (await answer.json()).version;
    await look();
  } catch { /* the next pulse asks again */ }
}
setInterval(pulse, 1500);
document.addEventListener("visibilitychange", () => { if (!document.hidden) pulse(); });
for (const kind of ["online", "pageshow"]) window.addEventListener(kind, send);
