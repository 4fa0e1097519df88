// Ctrl/⌘ K: documents, dealers, products and commands. The server finds (the list comes as HTML), the page adds its own actions.
// Arrow keys and Enter; one request at a time, the last one wins; Enter before the answer is there takes its first row.

const RECENT = "recent";
const dialog = () => document.getElementById("palette");
let timer = 0, asking = null, wanted = "", shown = null, hurry = false, back = null;

const here = location.pathname;
if (/^\/\w+\/\d+\/$/.test(here)) remember(here);
function recent() {
  try { return JSON.parse(localStorage.getItem(RECENT)) ?? []; } catch { return []; }
}
function remember(path) {
  try { localStorage.setItem(RECENT, JSON.stringify([path, ...recent().filter((p) => p !== path)].slice(0, 8))); } catch { /* a full or closed store */ }
}

const parts = (box) => ({ input: box.querySelector("input"), list: box.querySelector(".q-hits") });
const options = (list) => [...list.querySelectorAll("[role=option]")];

export function open(words = "") {
  const box = dialog();
  if (!box) return false;
  const { input, list } = parts(box);
  if (!box.open) {
    back = document.activeElement;
    list.replaceChildren();
    shown = null;
    box.showModal();
  }
  input.value = words;
  input.focus();
  input.select();
  own(box, words);
  ask(box, 0);
  return true;
}

// What this page offers: its buttons and keys, then language, theme and account from the frame. A choice presses the very button.
function actions() {
  const page = document.querySelectorAll("main .q-head .btn, main [data-key], main .q-head .it, main .q-act .btn");
  const more = document.querySelectorAll(".q-top.not-phone form[method=post] button, .q-top .q-drop a.it");
  const seen = new Set(), take = (nodes, kind) => [...nodes].flatMap((node) => {
    const label = (node.getAttribute("aria-label") ?? node.textContent).replace(/\s+/g, " ").trim();
    if (!label || seen.has(label) || node.matches("summary, input") || node.closest("[hidden]")) return [];
    seen.add(label);
    return [{ node, label, kind, key: node.dataset.key }];
  });
  return [...take(page, "page"), ...take(more, "more")];
}
const fits = (label, words) => {
  const text = label.toLowerCase(), initials = text.split(" ").map((w) => w[0]).join("");
  return words.toLowerCase().split(/\s+/).filter(Boolean).every((w) => text.includes(w) || initials.startsWith(w));
};
function own(box, words) {
  const { list } = parts(box);
  list.querySelectorAll("[data-own]").forEach((group) => group.remove());
  const found = actions().filter((one) => fits(one.label, words));
  const group = (kind, title) => {
    const rows = found.filter((one) => one.kind === kind);
    if (!rows.length) return null;
    const made = Object.assign(document.createElement("div"), { role: "group", ariaLabel: title });
    made.dataset.own = kind;
    made.append(Object.assign(document.createElement("div"), { className: "fs-s dim px-2 pt-2", textContent: title, ariaHidden: "true" }));
    for (const one of rows) {
      const row = Object.assign(document.createElement("div"), { role: "option", ariaSelected: "false" });
      row.append(Object.assign(document.createElement("span"), { textContent: one.label }));
      if (one.key) row.append(Object.assign(document.createElement("kbd"), { className: "ms-auto", textContent: one.key }));
      row.press = () => { close(); one.node.click(); };
      made.append(row);
    }
    return made;
  };
  const page = group("page", box.dataset.wordsPage), more = group("more", box.dataset.wordsMore);
  const exact = list.querySelector("[data-exact]");
  if (page) exact ? exact.after(page) : list.prepend(page);
  if (more) list.append(more);
  settle(box);
}
function settle(box) {
  const { input, list } = parts(box), all = options(list);
  all.forEach((row, i) => { row.id = `hit-${i}`; });
  list.querySelector(".q-none")?.remove();
  if (!all.length && shown === input.value.trim()) list.append(Object.assign(document.createElement("div"), { className: "q-none", role: "option", ariaDisabled: "true", textContent: box.dataset.wordsNone }));
  pick(box, 0);
}
function pick(box, to) {
  const { input, list } = parts(box), all = options(list).filter((row) => row.ariaDisabled !== "true");
  all.forEach((row, i) => row.setAttribute("aria-selected", String(i === to)));
  if (all[to]) { input.setAttribute("aria-activedescendant", all[to].id); all[to].scrollIntoView({ block: "nearest" }); } else input.removeAttribute("aria-activedescendant");
}
const chosen = (list) => list.querySelector('[role=option][aria-selected="true"]');
function take(row) {
  if (!row) return;
  if (row.press) row.press();
  else if (row.href) { close(); location.assign(row.href); }
}
function close() {
  const box = dialog();
  clearTimeout(timer);
  asking?.abort();
  hurry = false;
  if (box.open) box.close();
}

function ask(box, wait) {
  clearTimeout(timer);
  const { input, list } = parts(box), words = input.value.trim();
  wanted = words;
  timer = setTimeout(async () => {
    asking?.abort();
    asking = new AbortController();
    const url = new URL(input.form.action);
    url.searchParams.set("q", words);
    if (!words) url.searchParams.set("recent", recent().filter((p) => p !== here).join(","));
    try {
      const answer = await fetch(url, { signal: asking.signal, headers: { "HX-Request": "true", "HX-Target": list.id } });
      if (!answer.ok || answer.redirected) { location.assign(url); return; } // signed out meanwhile
      const made = document.createElement("template");
      made.innerHTML = await answer.text();
      if (wanted !== words || !box.open) return;
      list.replaceChildren(made.content);
      shown = words;
      own(box, words);
      if (hurry) take(chosen(list));
    } catch (error) { if (error.name !== "AbortError") hurry = false; }
  }, wait);
}

// Before the others: the palette's keys are nobody else's.
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k" && dialog()) {
    event.preventDefault();
    event.stopImmediatePropagation();
    dialog().open ? close() : open();
    return;
  }
  const box = dialog();
  if (!box?.open || !box.contains(event.target) || event.isComposing) return;
  const { input, list } = parts(box), all = options(list), at = all.indexOf(chosen(list));
  if (event.key === "ArrowDown" || event.key === "ArrowUp") pick(box, all.length ? (at + (event.key === "ArrowDown" ? 1 : all.length - 1)) % all.length : 0);
  else if (event.key === "Enter") { if (shown === input.value.trim()) take(chosen(list)); else hurry = true; }
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("input", (event) => {
  const box = dialog();
  if (!box || event.isComposing) return;
  if (event.target.id === "find") { const words = event.target.value; event.target.value = ""; open(words); parts(box).input.setSelectionRange(words.length, words.length); return; }
  if (box.contains(event.target)) { hurry = false; own(box, event.target.value); ask(box, 80); }
});
document.addEventListener("compositionend", (event) => { if (dialog()?.contains(event.target)) ask(dialog(), 0); });
document.addEventListener("click", (event) => {
  const box = dialog();
  if (!box) return;
  if (event.target.closest("#find")) { open(); return; }
  if (event.target === box) { close(); return; } // beside it
  const row = event.target.closest("#palette [role=option]");
  if (row?.press) row.press();
});
document.addEventListener("close", (event) => { if (event.target === dialog() && back?.isConnected) back.focus({ preventScroll: true }); }, true);
