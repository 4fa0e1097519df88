// Lists: j k x Enter, p prints, a for all, Shift+X for a range, rows as targets, the bar of chosen rows and its preview.
import { openAsk } from "./forms.js";
import { typing } from "./keys.js";

const rows = () => [...document.querySelectorAll("[data-list] tbody tr")];
const boxes = () => [...document.querySelectorAll("[data-list] [name=pick]")];
let at = -1, last = -1;

export const current = () => rows()[at];
function move(step) {
  const all = rows();
  if (!all.length) return;
  all[at]?.classList.remove("cur");
  at = Math.max(0, Math.min(all.length - 1, at + step));
  all[at].classList.add("cur");
  all[at].scrollIntoView({ block: "nearest" });
}
function pick(index, on, range) {
  const all = boxes(), from = range && last >= 0 ? last : index;
  for (let i = Math.min(from, index); i <= Math.max(from, index); i += 1) if (all[i]) all[i].checked = on;
  last = index;
  picked();
}
document.addEventListener("htmx:afterSwap", (event) => { if (event.target.id === "list") { at = last = -1; picked(); } });
document.addEventListener("keydown", (event) => {
  if (typing(event) || !document.querySelector("[data-list]")) return;
  const row = rows()[at], box = row?.querySelector("[name=pick]");
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key.toLowerCase() === "x" && box) pick(boxes().indexOf(box), event.shiftKey || !box.checked, event.shiftKey);
  else if (event.key === "p" && row?.querySelector("[data-print]")) row.querySelector("[data-print]").click();
  else if (event.key === "a" && boxes().length) { const on = boxes().some((one) => !one.checked); boxes().forEach((one) => { one.checked = on; }); picked(); }
  else if (event.key === "Enter" && row?.dataset.href && !event.target.closest("a, button, [data-cell]")) location.assign(row.dataset.href);
  else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-list] [name=pick]");
  if (box) { pick(boxes().indexOf(box), box.checked, event.shiftKey); return; }
  const every = event.target.closest("[data-all-match]");
  if (every) { everything(every, every.getAttribute("aria-pressed") !== "true"); return; }
  const row = event.target.closest("[data-list] tbody tr[data-href]");
  if (!row?.dataset.href || event.target.closest("a, button, input, label, summary, [data-cell]") || String(getSelection())) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href); else location.assign(row.dataset.href);
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  boxes().forEach((box) => { box.checked = event.target.checked; });
  picked();
});
// All that match, also on other pages: the server takes the rows of the address instead of the ticked ones.
function everything(button, on) {
  button.setAttribute("aria-pressed", String(on));
  button.form.elements.all.value = on ? "1" : "";
  if (on) boxes().forEach((box) => { box.checked = true; });
  picked(on);
}
function picked(all = false) {
  const ticked = boxes();
  const number = ticked.filter((box) => { box.closest("tr").classList.toggle("on", box.checked); return box.checked; }).length;
  const bar = document.querySelector("[data-list] .q-bulk");
  if (!bar) return;
  bar.hidden = !number;
  const words = bar.querySelector("[data-picked]"), every = bar.querySelector("[data-all-match]");
  words.textContent = all && every ? every.dataset.words : words.dataset.words.replace("{n}", number);
  if (every) {
    every.hidden = all || number < ticked.length;
    if (!all) { every.setAttribute("aria-pressed", "false"); every.form.elements.all.value = ""; }
  }
  const head = document.querySelector("[data-list] [data-all]");
  if (head) { head.checked = number > 0 && number === ticked.length; head.indeterminate = number > 0 && number < ticked.length; }
}
// What a bulk action would do is shown in a dialog; without this script the same form opens a page.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.matches("[data-preview]")) return;
  event.preventDefault();
  const values = {};
  for (const [name, value] of new FormData(event.target, button)) (values[name] ??= []).push(value);
  openAsk("POST", button.formAction, values);
}, true);
