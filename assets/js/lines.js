// The line editor: native inputs in a real table, one delegated controller. Add and remove rows, Tab, Enter, arrows, Ctrl+D, Ctrl+Z,
// paste of a block, type-ahead. Safe with input methods: nothing happens while composing. Fires "lines:changed" on the form.

const box = (node) => node.closest?.("[data-lines]");
const lines = (root) => [...root.querySelectorAll("tbody > tr.ln")];
const cells = (row) => [...row.querySelectorAll("input:not([type=hidden]), select")];
const undo = new WeakMap();

function changed(root) {
  root.dispatchEvent(new CustomEvent("lines:changed", { bubbles: true }));
}
function remember(root) {
  const stack = undo.get(root) ?? [];
  const now = JSON.stringify(lines(root).map((row) => cells(row).map((c) => c.value)));
  if (stack.at(-1) !== now) stack.push(now);
  if (stack.length > 50) stack.shift();
  undo.set(root, stack);
}
function add(root) {
  const template = root.querySelector("template");
  if (!template) return null;
  const row = template.content.querySelector("tr.ln").cloneNode(true);
  root.querySelector("tbody").append(row);
  number(root);
  return row;
}
function number(root) {
  lines(root).forEach((row, i) => { const no = row.querySelector(".rowno"); if (no?.firstChild?.nodeType === 3) no.firstChild.data = i + 1; else no?.prepend(String(i + 1)); });
}
function tail(root) {
  const all = lines(root);
  if (!all.length || cells(all.at(-1)).some((c) => c.value)) return add(root);
  return null;
}
function clearHints(row) {
  row.classList.remove("bad", "pre");
  cells(row).forEach((c) => c.removeAttribute("aria-invalid"));
  while (row.nextElementSibling?.matches(".hint")) row.nextElementSibling.remove();
}
function go(root, row, column, step) {
  const all = lines(root);
  let next = all[all.indexOf(row) + step];
  if (!next && step > 0) next = add(root);
  const cell = next && (cells(next)[column] ?? cells(next)[0]);
  if (cell) { cell.focus(); cell.select?.(); }
}
function fill(root, row, column, block) {
  remember(root);
  let all = lines(root);
  let at = all.indexOf(row);
  for (const values of block) {
    const target = all[at] ?? add(root);
    if (!target) break;
    clearHints(target);
    target.classList.remove("blank");
    const inputs = cells(target);
    values.forEach((value, i) => { if (inputs[column + i]) inputs[column + i].value = value.trim(); });
    if (at + 1 >= all.length) all = lines(root);
    at += 1;
  }
  tail(root);
  changed(root);
}

document.addEventListener("paste", (event) => {
  const root = box(event.target);
  if (!root || !event.target.matches("input")) return;
  const text = event.clipboardData.getData("text/plain");
  if (!/[\t\n]/.test(text.replace(/[\r\n]+$/, ""))) return;
  event.preventDefault();
  const row = event.target.closest("tr.ln");
  const block = text.replace(/[\r\n]+$/, "").split(/\r?\n/).map((line) => line.split("\t"));
  fill(root, row, cells(row).indexOf(event.target), block);
});

document.addEventListener("keydown", (event) => {
  const root = box(event.target);
  if (!root || event.isComposing || !event.target.matches("input, select")) return;
  if (suggesting(event)) return;
  const row = event.target.closest("tr.ln");
  const column = cells(row).indexOf(event.target);
  const command = event.ctrlKey || event.metaKey;
  if (event.key === "Enter" && !command) go(root, row, column, event.shiftKey ? -1 : 1);
  else if (event.key === "ArrowDown" && event.target.matches("input")) go(root, row, column, 1);
  else if (event.key === "ArrowUp" && event.target.matches("input")) go(root, row, column, -1);
  else if (command && event.key.toLowerCase() === "d") {
    const above = lines(root)[lines(root).indexOf(row) - 1];
    if (above) { remember(root); event.target.value = cells(above)[column].value; changed(root); }
  } else if (command && event.key.toLowerCase() === "z" && undo.get(root)?.length) {
    const before = JSON.parse(undo.get(root).pop());
    while (lines(root).length < before.length && add(root));
    lines(root).forEach((r, i) => cells(r).forEach((c, j) => { c.value = before[i]?.[j] ?? ""; }));
    changed(root);
  } else if (event.key === "Tab" && !event.shiftKey && !command && row === lines(root).at(-1) && column === cells(row).length - 1) {
    tail(root);
    return;
  } else return;
  event.preventDefault();
});

document.addEventListener("focusin", (event) => { const root = box(event.target); if (root && event.target.matches("input")) remember(root); });
document.addEventListener("input", (event) => {
  const root = box(event.target);
  if (!root || event.isComposing) return;
  const row = event.target.closest("tr.ln");
  if (!row) return;
  row.classList.remove("blank");
  clearHints(row);
  if (event.target.matches("[data-product]")) suggest(event.target);
  tail(root);
  changed(root);
});
document.addEventListener("compositionend", (event) => { if (box(event.target)) event.target.dispatchEvent(new Event("input", { bubbles: true })); });
document.addEventListener("click", (event) => {
  const root = box(event.target);
  const remove = event.target.closest("[data-remove]");
  if (root && remove) {
    remember(root);
    const row = remove.closest("tr.ln");
    clearHints(row);
    if (lines(root).length > 1) row.remove(); else cells(row).forEach((c) => { c.value = ""; });
    tail(root);
    number(root);
    changed(root);
  }
  const set = event.target.closest("[data-set]");
  if (root && set) {
    let row = set.closest("tr");
    while (row && !row.matches(".ln")) row = row.previousElementSibling;
    const cell = row?.querySelector(`[name$="-${set.dataset.set}"]`);
    if (cell) { remember(root); cell.value = set.dataset.value; clearHints(row); cell.focus(); changed(root); }
  }
});

// What the server says of each line after a preview: hidden rows with the new texts and hints, copied to the line they belong to.
document.addEventListener("htmx:afterSwap", (event) => {
  const said = event.target.querySelector?.("[data-said]");
  const root = said && document.querySelector(`[data-lines="${said.dataset.said}"]`);
  if (!root) return;
  const all = lines(root);
  all.forEach((row) => row.querySelectorAll("[data-show]").forEach((cell) => cell.replaceChildren()));
  for (const news of said.content.querySelectorAll("tr.ln")) {
    const row = all[Number(news.dataset.at)];
    if (!row) continue;
    const typing = row.contains(document.activeElement) && document.activeElement.matches("[data-product]"); // too early to complain
    clearHints(row);
    for (const cell of news.querySelectorAll("[data-show]")) {
      const target = row.querySelector(`[data-show="${cell.dataset.show}"]`);
      if (target) { target.replaceChildren(...cell.childNodes); target.className = cell.className || target.className; }
    }
    const hints = [];
    for (let next = news.nextElementSibling; next?.matches(".hint"); next = next.nextElementSibling) hints.push(next);
    if (hints.length && !typing) { row.classList.add("pre"); row.classList.toggle("bad", hints.some((h) => h.matches(".c-wrong"))); row.after(...hints); }
  }
});

// Type-ahead: code, name, pinyin initials, barcode. One request at a time, the last one wins.
let list = null, owner = null, timer = 0, asking = null;
function hide() { list?.remove(); list = null; owner?.setAttribute("aria-expanded", "false"); owner = null; }
function suggest(input) {
  clearTimeout(timer);
  const words = input.value.trim();
  if (!words) { hide(); return; }
  timer = setTimeout(async () => {
    asking?.abort();
    asking = new AbortController();
    const root = box(input);
    if (!root?.dataset.suggest) return;
    const url = new URL(root.dataset.suggest, location.href);
    url.searchParams.set("q", words);
    const terms = input.form?.elements.agreement;
    if (terms?.value) url.searchParams.set("agreement", terms.value);
    try {
      const answer = await fetch(url, { signal: asking.signal, headers: { Accept: "application/json" } });
      if (answer.ok && document.activeElement === input) show(input, (await answer.json()).results, root);
    } catch (error) { if (error.name !== "AbortError") hide(); }
  }, 120);
}
function show(input, results, root) {
  hide();
  if (!results.length || (results.length === 1 && results[0].value === input.value)) return;
  owner = input;
  list = Object.assign(document.createElement("div"), { className: "q-suggest", id: "suggest" });
  list.setAttribute("role", "listbox");
  results.forEach((one, i) => {
    const row = document.createElement("div");
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(i === 0));
    row.dataset.value = one.value;
    row.append(Object.assign(document.createElement("span"), { className: "code", textContent: one.value }), Object.assign(document.createElement("span"), { textContent: one.label }),
      Object.assign(document.createElement("span"), { className: "dim fs-s ms-auto", textContent: one.note ?? "" }));
    row.addEventListener("mousedown", (event) => { event.preventDefault(); take(row); });
    list.append(row);
  });
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", "suggest");
  document.body.append(list);
  const place = input.getBoundingClientRect();
  const sheet = list.style; // set by script on the object model: the policy forbids only style attributes in markup
  sheet.top = `${place.bottom + scrollY + 2}px`;
  sheet.left = `${Math.max(8, Math.min(place.left + scrollX, innerWidth - list.offsetWidth - 8))}px`;
}
function take(row) {
  const input = owner;
  input.value = row.dataset.value;
  hide();
  clearTimeout(timer);
  changed(box(input));
  const inputs = cells(input.closest("tr.ln"));
  const next = inputs[inputs.indexOf(input) + 1];
  next?.focus();
  next?.select?.();
}
function suggesting(event) {
  if (!list || event.target !== owner) return false;
  const all = [...list.children];
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const to = (at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length;
    all.forEach((row, i) => row.setAttribute("aria-selected", String(i === to)));
  } else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) take(all[at]);
  else if (event.key === "Escape") hide();
  else return false;
  event.preventDefault();
  return true;
}
document.addEventListener("focusout", (event) => { if (event.target === owner) setTimeout(() => { if (document.activeElement !== owner) hide(); }, 0); });

document.querySelectorAll("[data-lines]:not([data-fixed])").forEach(tail);

// Unsaved work survives a reload: typed rows are kept for this tab until they are submitted.
const draft = `lines:${location.pathname}`;
const editor = document.querySelector("main form[data-form] [data-lines]:not([data-fixed])");
if (editor) {
  const blank = lines(editor).every((row) => cells(row).every((c) => !c.value));
  const kept = JSON.parse(sessionStorage.getItem(draft) ?? "null");
  if (blank && kept?.rows.length && !kept.sent) {
    const agreement = editor.closest("form").elements.agreement;
    if (agreement && kept.agreement) agreement.value = kept.agreement;
    addEventListener("load", () => fill(editor, lines(editor)[0], 0, kept.rows)); // when htmx listens too
  }
  const keep = (sent) => {
    const rows = lines(editor).map((row) => cells(row).map((c) => c.value)).filter((row) => row.some(Boolean));
    sessionStorage.setItem(draft, JSON.stringify({ rows, sent, agreement: editor.closest("form").elements.agreement?.value }));
  };
  editor.closest("form").addEventListener("lines:changed", () => keep(false));
  editor.closest("form").addEventListener("submit", () => keep(true));
}
