// Cells edited in place: double click, Enter on the cell, or e on the current row; Enter and Tab save, Escape leaves; whoever was faster is shown beside what was typed.
import htmx from "htmx.org";
import { current } from "./list.js";
import { typing } from "./keys.js";

const before = new WeakMap();
const form = () => document.querySelector("[data-list] form[data-bulk]");
const table = (cell) => cell.closest("table[data-edits]");
const asked = (cell, more) => new URLSearchParams({ page: form().elements.page.value, row: cell.closest("tr").dataset.row, column: cell.dataset.cell, ...more });

async function call(cell, values, method) {
  const query = asked(cell, values);
  const headers = { "HX-Request": "true", "HX-Target": "cell", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  const answer = method === "POST"
    ? await fetch(table(cell).dataset.edits, { method, headers, body: query })
    : await fetch(`${table(cell).dataset.edits}?${query}`, { headers });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("template[data-raw]");
}
async function open(cell) {
  if (!cell || cell.classList.contains("open")) return;
  cell.classList.add("open");
  const found = await call(cell, {}, "GET");
  if (!found) { cell.classList.remove("open"); return; }
  before.set(cell, [...cell.childNodes]);
  const input = Object.assign(document.createElement("input"), { className: "form-control", value: found.dataset.raw });
  input.dataset.was = found.dataset.raw;
  const heads = [...table(cell).querySelectorAll("thead th")];
  input.setAttribute("aria-label", heads[[...cell.parentElement.children].indexOf(cell)]?.textContent.trim() ?? "");
  cell.replaceChildren(input);
  input.focus();
  input.select();
}
function close(cell, nodes) {
  cell.classList.remove("open");
  cell.replaceChildren(...nodes);
}
async function save(input) {
  const cell = input.closest("[data-cell]");
  if (!cell || input.dataset.busy) return false;
  if (input.value === input.dataset.was) { close(cell, before.get(cell)); return true; }
  input.dataset.busy = "1";
  const found = await call(cell, { to: input.value, was: input.dataset.was }, "POST").catch(() => null);
  delete input.dataset.busy;
  if (!found) { wrong(input, document.body.dataset.wordsFailed); return false; }
  if (!found.dataset.fault) { close(cell, [...found.content.childNodes]); htmx.process(cell); return true; }
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
  const input = event.target.closest?.("[data-edits] [data-cell] input");
  if (input && !event.isComposing) {
    if (event.key === "Escape") { event.preventDefault(); const cell = input.closest("[data-cell]"); close(cell, before.get(cell)); }
    if (event.key !== "Enter" && event.key !== "Tab") return;
    event.preventDefault();
    const all = [...input.closest("table").querySelectorAll("[data-cell]")];
    const next = all[all.indexOf(input.closest("[data-cell]")) + (event.shiftKey ? -1 : 1)];
    if (await save(input) && event.key === "Tab") open(next);
  } else if ((event.key === "e" || event.key === "Enter") && !typing(event)) {
    const cell = event.target.closest("[data-edits] [data-cell]") ?? (event.key === "e" ? current()?.querySelector("[data-cell]") : null);
    if (cell) { event.preventDefault(); open(cell); }
  }
});
