// Cells edited in place: double click, Enter on the cell, or e on the current row; Enter and Tab save, Escape leaves; whoever was faster is shown beside what was typed.
import htmx from "htmx.org";
import { current } from "./list.js";
import { typing } from "./keys.js";

const before = new WeakMap();
const form = () => document.querySelector("[data-list] form[data-bulk]");
const table = (cell) => cell.closest("table[data-edits]");
const asked = (cell, more) => new URLSearchParams({ page: form().elements.page.value, query: form().elements.query.value, row: cell.closest("tr").dataset.row, column: cell.dataset.cell, ...more });

async function call(cell, values, method) {
  const query = asked(cell, values);
  const headers = { "HX-Request": "true", "HX-Target": "cell", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  const answer = method === "POST"
    ? await fetch(table(cell).dataset.edits, { method, headers, body: query })
    : await fetch(`${table(cell).dataset.edits}?${query}`, { headers });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { found: page.querySelector("template[data-raw]"), field: page.querySelector("template[data-field]"), line: page.querySelector("template[data-line]") };
}
async function open(cell) {
  if (!cell || cell.classList.contains("open")) return;
  cell.classList.add("open");
  const { found, field } = await call(cell, {}, "GET").catch(() => ({}));
  if (!found) { cell.classList.remove("open"); return; }
  before.set(cell, [...cell.childNodes]);
  const input = field.content.firstElementChild;
  input.dataset.was = found.dataset.raw;
  const heads = [...table(cell).querySelectorAll("thead th")];
  input.setAttribute("aria-label", heads[[...cell.parentElement.children].indexOf(cell)]?.textContent.trim() ?? "");
  cell.replaceChildren(input);
  input.focus();
  input.select?.();
}
function close(cell, nodes) {
  cell.classList.remove("open");
  cell.replaceChildren(...nodes);
  cell.focus();
}
// The row as it stands now: what was changed may show in other cells too, and ticks stay.
function redraw(cell, line) {
  const row = cell.closest("tr"), fresh = document.importNode(line.content.firstElementChild, true), name = cell.dataset.cell;
  const ticked = row.querySelector("[name=pick]")?.checked;
  row.replaceWith(fresh);
  const box = fresh.querySelector("[name=pick]");
  fresh.classList.toggle("cur", row.classList.contains("cur"));
  if (box) box.checked = ticked;
  if (ticked) fresh.classList.add("on");
  htmx.process(fresh);
  const now = [...fresh.querySelectorAll("[data-cell]")].find((one) => one.dataset.cell === name);
  now?.focus();
}
async function save(input) {
  const cell = input.closest("[data-cell]");
  if (!cell || input.dataset.busy) return false;
  if (input.value === input.dataset.was) { close(cell, before.get(cell)); return true; }
  input.dataset.busy = "1";
  const { found, line } = await call(cell, { to: input.value, was: input.dataset.was }, "POST").catch(() => ({}));
  delete input.dataset.busy;
  if (!found) { wrong(input, document.body.dataset.wordsFailed); return false; }
  if (!found.dataset.fault) { redraw(cell, line); return true; }
  wrong(input, found.dataset.fault, found);
  return false;
}
function wrong(input, words, found) {
  const cell = input.closest("[data-cell]");
  cell.querySelector(".q-bad")?.remove();
  input.setAttribute("aria-invalid", "true");
  const note = Object.assign(document.createElement("div"), { className: "q-bad text-wrap", textContent: words });
  note.setAttribute("role", "alert");
  if (found?.dataset.theirs !== undefined) {
    const button = (label, act) => { const one = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm me-1", textContent: label }); one.addEventListener("click", act); return one; };
    const both = document.createElement("div");
    both.append(button(found.dataset.mine, () => { input.dataset.was = found.dataset.theirs; save(input); }), button(found.dataset.keep, () => close(cell, [...found.content.childNodes])));
    note.append(both);
  }
  cell.append(note);
  input.focus();
}
document.addEventListener("dblclick", (event) => {
  const cell = event.target.closest("[data-edits] [data-cell]");
  if (cell) { event.preventDefault(); getSelection()?.removeAllRanges(); open(cell); }
});
document.addEventListener("keydown", async (event) => {
  const input = event.target.closest?.("[data-edits] [data-cell] :is(input, select)");
  if (input && !event.isComposing) {
    if (event.key === "Escape") { event.preventDefault(); const cell = input.closest("[data-cell]"); close(cell, before.get(cell)); }
    if (event.key !== "Enter" && event.key !== "Tab") return;
    event.preventDefault();
    const list = input.closest("table"), all = () => [...list.querySelectorAll("[data-cell]")];
    const next = all().indexOf(input.closest("[data-cell]")) + (event.shiftKey ? -1 : 1);
    if (await save(input) && event.key === "Tab") open(all()[next]);
  } else if ((event.key === "e" || event.key === "Enter") && !typing(event)) {
    const cell = event.target.closest("[data-edits] [data-cell]") ?? (event.key === "e" ? current()?.querySelector("[data-cell]") : null);
    if (cell) { event.preventDefault(); open(cell); }
  }
});
