// Type-ahead for products in the line editor ([data-product]), for a field that keeps an id beside it ([data-pick]) and for one that is the choice
// itself ([data-find]): code, name, pinyin initials, barcode. One request at a time, the last one wins; what is chosen is never older than what is typed.
import { box, cells, changed } from "./lines.js";

let list = null, owner = null, timer = 0, asking = null;

const own = (input) => input.dataset.pick || input.dataset.find !== undefined; // a field of a form, no cell of a line
const source = (input) => input.dataset.suggest ?? box(input)?.dataset.suggest;

function hide() {
  list?.remove();
  list = null;
  owner?.setAttribute("aria-expanded", "false");
  owner?.removeAttribute("aria-activedescendant");
  owner = null;
}

function ask(input, then) {
  asking?.abort();
  asking = new AbortController();
  const url = new URL(source(input), new URL(input.form?.getAttribute("action") || location.href, location.href)); // a form in a dialog has its own address
  url.searchParams.set("q", input.value.trim());
  const terms = input.form?.elements.agreement;
  if (terms?.value) url.searchParams.set("agreement", terms.value);
  return fetch(url, { signal: asking.signal, headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : { results: [] }))
    .then((said) => then(said.results))
    .catch((error) => { if (error.name !== "AbortError") hide(); });
}

function suggest(input) {
  clearTimeout(timer);
  if (!input.value.trim()) { asking?.abort(); hide(); return; }
  timer = setTimeout(() => {
    const words = input.value;
    ask(input, (results) => { if (document.activeElement === input && input.value === words) show(input, results, words); });
  }, 60);
}

function show(input, results, words) {
  hide();
  if (!results.length || (results.length === 1 && results[0].value === input.value && !own(input))) return;
  owner = input;
  list = Object.assign(document.createElement("div"), { className: "q-suggest", id: "suggest" });
  list.setAttribute("role", "listbox");
  list.words = words;
  results.forEach((one, i) => {
    const row = Object.assign(document.createElement("div"), { id: `suggest-${i}`, one });
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(i === 0));
    row.append(Object.assign(document.createElement("span"), { className: "code", textContent: one.value }), Object.assign(document.createElement("span"), { textContent: one.label }),
      Object.assign(document.createElement("span"), { className: "dim fs-s ms-auto", textContent: one.note ?? "" }));
    row.addEventListener("mousedown", (event) => { event.preventDefault(); take(row.one); });
    list.append(row);
  });
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", "suggest");
  input.setAttribute("aria-activedescendant", "suggest-0");
  const over = input.closest("dialog"); // what stands behind an open dialog cannot be seen, and what stands in it is cut at its edge unless it is fixed
  (over ?? document.body).append(list);
  const place = input.getBoundingClientRect();
  const sheet = list.style; // set by script on the object model: the policy forbids only style attributes in markup
  if (over) sheet.position = "fixed";
  sheet.top = `${place.bottom + (over ? 0 : scrollY) + 2}px`;
  sheet.left = `${Math.max(8, Math.min(place.left + (over ? 0 : scrollX), innerWidth - list.offsetWidth - 8))}px`;
}

function write(input, one) {
  input.value = one.text ?? (input.dataset.find === undefined ? one.value : `${one.value} ${one.label}`);
  if (input.dataset.find !== undefined) input.dispatchEvent(new Event("change", { bubbles: true }));
  else if (input.dataset.pick) {
    const kept = input.form.elements[input.dataset.pick];
    kept.value = one.pick;
    kept.dispatchEvent(new Event("change", { bubbles: true }));
  } else changed(box(input), [input.closest("tr.ln")]);
}

function take(one) {
  const input = owner;
  hide();
  clearTimeout(timer);
  write(input, one);
  if (input.dataset.find !== undefined) return;
  const root = box(input) ?? input.form.querySelector("[data-lines]");
  const next = input.dataset.pick ? root?.querySelector("[data-product]") : cells(input.closest("tr.ln"))[cells(input.closest("tr.ln")).indexOf(input) + 1];
  next?.focus();
  next?.select?.();
}

// Somebody who types quickly leaves the cell before the list is there. The text stays; when it is no code but means one thing only, that is taken.
function settle(input) {
  clearTimeout(timer);
  const words = input.value.trim();
  if (!words || !source(input)) return;
  ask(input, (results) => {
    if (input.value.trim() !== words || !input.isConnected) return;
    const exact = results.some((one) => one.value.toUpperCase() === words.toUpperCase());
    if ((own(input) && exact) || (!exact && results.length === 1)) write(input, results.find((one) => one.value.toUpperCase() === words.toUpperCase()) ?? results[0]);
  });
}

// The keys of an open list; true when the key was one of them.
export function suggesting(event) {
  const input = event.target;
  const leaving = event.key === "Enter" || (event.key === "Tab" && !event.shiftKey);
  if (!list || input !== owner || (leaving && list.words !== input.value)) {
    if (leaving && waiting === input) { waiting = null; settle(input); }
    if (leaving) hide();
    return false;
  }
  const all = [...list.children];
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const to = (at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length;
    all.forEach((row, i) => row.setAttribute("aria-selected", String(i === to)));
    input.setAttribute("aria-activedescendant", `suggest-${to}`);
  } else if (leaving) {
    waiting = null;
    take(all[at].one);
    if (event.key === "Tab" && input.dataset.find !== undefined) return true; // on to the next field, as in any form
  }
  else if (event.key === "Escape") hide();
  else return false;
  event.preventDefault();
  return true;
}

let waiting = null; // the field whose list has not come yet
document.addEventListener("input", (event) => {
  const input = event.target;
  if (event.isComposing || !input.matches?.("[data-product], [data-pick], [data-find]")) return;
  if (input.dataset.pick) input.form.elements[input.dataset.pick].value = ""; // until it is chosen anew
  waiting = input;
  suggest(input);
});
document.addEventListener("keydown", (event) => {
  if (event.isComposing || !event.target.matches?.("[data-pick], [data-find]") || event.ctrlKey || event.metaKey) return;
  if (!suggesting(event) && event.key === "Enter" && event.target.dataset.pick) { event.preventDefault(); event.target.form.querySelector("[data-product]")?.focus(); }
});
document.addEventListener("focusout", (event) => {
  if (event.target === owner) setTimeout(() => { if (document.activeElement !== owner) hide(); }, 0);
  if (event.target === waiting && own(event.target)) { waiting = null; settle(event.target); }
});
