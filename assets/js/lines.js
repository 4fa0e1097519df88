// The line editor: native inputs in a real table, one delegated controller. Add and remove rows, Tab, Enter, arrows, Ctrl+D, Ctrl+Z, Esc,
// paste of a block. Safe with input methods: nothing happens while composing. Fires "lines:changed" on the editor with the rows that changed.
import { suggesting } from "./suggest.js";
import "./quote.js";
import "./draft.js";

const MANY = 200;
export const box = (node) => node?.closest?.("[data-lines]");
export const lines = (root) => [...root.querySelectorAll("tbody > tr.ln")];
export const cells = (row) => [...row.querySelectorAll("input:not([type=hidden]), select")];
export const values = (row) => cells(row).map((c) => c.value);
export const filled = (row) => cells(row).some((c) => c.value);

export function changed(root, rows) {
  root.dispatchEvent(new CustomEvent("lines:changed", { bubbles: true, detail: { rows } }));
}

// What can be taken back: each step holds the rows it touched with their values before, and the rows it added or took away.
const steps = new WeakMap();
function remember(root, step) {
  const stack = steps.get(root) ?? [];
  stack.push({ cells: new Map(), added: [], removed: [], ...step });
  if (stack.length > 200) stack.shift();
  steps.set(root, stack);
  undoable(root);
}
function undoable(root) {
  const button = root.closest("form")?.elements.undo; // by name: a search would walk thousands of rows
  if (button) button.disabled = !steps.get(root)?.length;
}
function undo(root) {
  const step = steps.get(root)?.pop();
  undoable(root);
  if (!step) return;
  for (const { row, before } of step.removed) { before?.isConnected ? before.before(row) : root.querySelector("tbody").append(row); }
  for (const row of step.added) { clearHints(row); row.remove(); }
  const rows = [...step.removed.map((r) => r.row)];
  for (const [row, old] of step.cells) { cells(row).forEach((c, i) => { c.value = old[i]; }); clearHints(row); rows.push(row); }
  number(root);
  tail(root);
  changed(root, [...rows, ...step.added]);
  const last = rows.find((row) => row.isConnected);
  if (last) cells(last).at(-1).focus();
}

export function add(root) {
  const template = root.querySelector("template");
  if (!template) return null;
  const row = template.content.querySelector("tr.ln").cloneNode(true);
  const no = row.querySelector(".rowno");
  root.querySelector("tbody").append(row);
  if (no) no.textContent = root.querySelectorAll("tbody > tr.ln").length;
  return row;
}
function number(root) {
  lines(root).forEach((row, i) => {
    const no = row.querySelector(".rowno");
    if (no?.firstChild?.nodeType === 3) no.firstChild.data = i + 1; else no?.prepend(String(i + 1));
  });
}
export function tail(root) {
  let last = root.querySelector("tbody")?.lastElementChild;
  while (last && !last.matches(".ln")) last = last.previousElementSibling;
  return !last || filled(last) ? add(root) : null;
}
export function clearHints(row) {
  if (row.matches(".bad, .pre")) row.classList.remove("bad", "pre");
  cells(row).forEach((c) => c.removeAttribute("aria-invalid"));
  while (row.nextElementSibling?.matches(".hint")) row.nextElementSibling.remove();
}
function next(row, step) {
  let to = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  while (to && !to.matches(".ln")) to = step > 0 ? to.nextElementSibling : to.previousElementSibling;
  return to;
}
function go(root, row, column, step) {
  const to = next(row, step) ?? (step > 0 ? add(root) : null);
  const cell = to && (cells(to)[column] ?? cells(to)[0]);
  if (cell) { cell.focus(); cell.select?.(); }
}
// Enter goes down; from the last cell of a row it begins the next one when that is still empty, which is how an order is typed.
function enter(root, row, column, step) {
  const to = next(row, 1);
  const end = column === cells(row).length - 1 && !root.hasAttribute("data-fixed");
  go(root, row, step > 0 && end && (!to || !filled(to)) ? 0 : column, step);
}

// From some hundred rows on, those out of sight are neither laid out nor painted.
function many(root, number) {
  root.querySelector("table").classList.toggle("many", number > MANY);
}

// Writes a block of texts from a row and column on, as one step; new rows are built aside and put in at once.
export function fill(root, row, column, block) {
  const step = { cells: new Map(), added: [] };
  const body = root.querySelector("tbody");
  const template = root.querySelector("template")?.content.querySelector("tr.ln");
  const fresh = document.createDocumentFragment();
  const touched = [];
  let at = row;
  let no = root.querySelectorAll("tbody > tr.ln").length;
  many(root, no + block.length);
  for (const texts of block) {
    let target = at;
    if (target) at = next(target, 1);
    else if (template) {
      target = template.cloneNode(true);
      const head = target.querySelector(".rowno");
      if (head) head.textContent = ++no;
      fresh.append(target);
      step.added.push(target);
    } else break;
    if (target.isConnected) { step.cells.set(target, values(target)); clearHints(target); }
    target.classList.remove("blank");
    const inputs = cells(target);
    texts.forEach((text, i) => { if (inputs[column + i]) inputs[column + i].value = text.trim(); });
    touched.push(target);
  }
  body.append(fresh);
  remember(root, step);
  tail(root);
  changed(root, touched);
}

document.addEventListener("paste", (event) => {
  const root = box(event.target);
  if (!root || !event.target.matches("input")) return;
  const text = event.clipboardData.getData("text/plain").replace(/[\r\n]+$/, "");
  if (!/[\t\n]/.test(text)) return;
  event.preventDefault();
  const row = event.target.closest("tr.ln");
  fill(root, row, cells(row).indexOf(event.target), text.split(/\r?\n/).map((line) => line.split("\t")));
});

// The row in which somebody types: its values before, for undo and for Esc.
let typed = null;
document.addEventListener("focusin", (event) => {
  const root = box(event.target);
  if (!root || !event.target.matches("input, select")) return;
  const row = event.target.closest("tr.ln");
  typed = { root, row, before: values(row), cell: event.target, text: event.target.value, told: false };
});
function note() {
  if (!typed || typed.told) return;
  typed.told = true;
  remember(typed.root, { cells: new Map([[typed.row, typed.before]]) });
}

function moved(event, root, row, column) {
  const input = event.target;
  const inputs = cells(row);
  const caret = input.matches("input:not([type=date])");
  const all = caret && input.selectionStart === 0 && input.selectionEnd === input.value.length;
  if (event.key === "ArrowDown" && caret) go(root, row, column, 1);
  else if (event.key === "ArrowUp" && caret) go(root, row, column, -1);
  else if (event.key === "ArrowLeft" && caret && column > 0 && (all || input.selectionEnd === 0)) { inputs[column - 1].focus(); inputs[column - 1].select?.(); }
  else if (event.key === "ArrowRight" && caret && column < inputs.length - 1 && (all || input.selectionStart === input.value.length)) { inputs[column + 1].focus(); inputs[column + 1].select?.(); }
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const root = box(event.target);
  if (!root || event.isComposing || !event.target.matches("input, select")) return;
  if (suggesting(event)) return;
  const row = event.target.closest("tr.ln");
  const column = cells(row).indexOf(event.target);
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (event.key === "Enter" && !command) enter(root, row, column, event.shiftKey ? -1 : 1);
  else if (event.key === "F2") event.target.setSelectionRange?.(event.target.value.length, event.target.value.length);
  else if (event.key === "Escape" && typed?.cell === event.target && event.target.value !== typed.text) {
    event.target.value = typed.text;
    changed(root, [row]);
  } else if (command && key === "d") {
    const above = next(row, -1);
    if (above) { note(); event.target.value = cells(above)[column].value; row.classList.remove("blank"); clearHints(row); tail(root); changed(root, [row]); }
  } else if (command && key === "z" && steps.get(root)?.length) { undo(root); typed = null; }
  else if (event.key === "Tab" && !event.shiftKey && !command && column === cells(row).length - 1 && !next(row, 1)) { tail(root); return; }
  else if (command || event.shiftKey || event.altKey || !moved(event, root, row, column)) return;
  event.preventDefault();
});

document.addEventListener("input", (event) => {
  const root = box(event.target);
  if (!root || event.isComposing) return;
  const row = event.target.closest("tr.ln");
  if (!row) return;
  note();
  row.classList.remove("blank");
  clearHints(row);
  tail(root);
  changed(root, [row]);
});
document.addEventListener("compositionend", (event) => { if (box(event.target)) event.target.dispatchEvent(new Event("input", { bubbles: true })); });

// Takes a row away, or empties the last one.
function drop(root, row) {
  clearHints(row);
  if (root.querySelectorAll("tbody > tr.ln").length > 1) {
    remember(root, { removed: [{ row, before: next(row, 1) }] });
    row.remove();
  } else { remember(root, { cells: new Map([[row, values(row)]]) }); cells(row).forEach((c) => { c.value = ""; }); }
  tail(root);
  number(root);
  changed(root, [row]);
}
export function set(root, row, name, value) {
  const cell = row.querySelector(`[name$="-${name}"]`);
  if (!cell) return;
  remember(root, { cells: new Map([[row, values(row)]]) });
  cell.value = value;
  clearHints(row);
  changed(root, [row]);
  return cell;
}
// Two rows of one product become one; taken back as one step.
export function merge(root, row, other, qty) {
  remember(root, { cells: new Map([[row, values(row)]]), removed: [{ row: other, before: next(other, 1) }] });
  clearHints(other);
  other.remove();
  const cell = row.querySelector('[name$="-qty"]');
  cell.value = qty;
  clearHints(row);
  tail(root);
  number(root);
  changed(root, [row, other]);
  cell.focus();
}
document.addEventListener("click", (event) => {
  const root = box(event.target);
  const editor = event.target.closest("[data-undo]")?.closest("form")?.querySelector("[data-lines]"); // toasts undo, too, and have no lines
  if (editor) { undo(editor); return; }
  if (!root) return;
  const remove = event.target.closest("[data-remove]");
  if (remove) { drop(root, remove.closest("tr.ln")); return; }
  const button = event.target.closest("[data-set]");
  if (button) {
    let row = button.closest("tr");
    while (row && !row.matches(".ln")) row = row.previousElementSibling;
    if (row) set(root, row, button.dataset.set, button.dataset.value)?.focus();
    return;
  }
  const shown = event.target.closest("[data-show]"); // a figure was pressed: its line is the one to explain
  if (shown && root.dataset.quote && !getSelection()?.toString()) cells(shown.closest("tr.ln")).at(-1)?.focus();
});

export function start(found) {
  found.querySelectorAll?.("[data-lines]:not([data-fixed])").forEach((root) => { if (!root.dataset.ready) { root.dataset.ready = "1"; many(root, lines(root).length); tail(root); } });
}
start(document);
document.addEventListener("htmx:load", (event) => start(event.target));
