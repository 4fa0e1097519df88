// Lists: j k x Enter, rows as targets, the bar of chosen rows.
import { typing } from "./keys.js";

const rows = () => [...document.querySelectorAll("[data-list] tbody tr")];
let at = -1;

function move(step) {
  const all = rows();
  if (!all.length) return;
  all[at]?.classList.remove("cur");
  at = Math.max(0, Math.min(all.length - 1, at + step));
  all[at].classList.add("cur");
  all[at].scrollIntoView({ block: "nearest" });
}
document.addEventListener("htmx:afterSwap", () => { at = -1; picked(); });
document.addEventListener("keydown", (event) => {
  if (typing(event) || !document.querySelector("[data-list]")) return;
  const row = rows()[at];
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "x" && row) { const box = row.querySelector("[name=pick]"); if (box) { box.checked = !box.checked; picked(); } }
  else if (event.key === "Enter" && row?.dataset.href && !event.target.closest("a, button")) location.assign(row.dataset.href);
  else return;
  event.preventDefault();
});
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-list] tbody tr[data-href]");
  if (!row?.dataset.href || event.target.closest("a, button, input, label, summary") || String(getSelection())) return;
  if (event.ctrlKey || event.metaKey) window.open(row.dataset.href); else location.assign(row.dataset.href);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) document.querySelectorAll("[data-list] [name=pick]").forEach((box) => { box.checked = event.target.checked; });
  if (event.target.matches("[data-all], [name=pick]")) picked();
});
function picked() {
  const boxes = [...document.querySelectorAll("[data-list] [name=pick]")];
  const number = boxes.filter((box) => { box.closest("tr").classList.toggle("on", box.checked); return box.checked; }).length;
  const bar = document.querySelector("[data-list] .q-bulk");
  if (!bar) return;
  bar.hidden = !number;
  const words = bar.querySelector("[data-picked]");
  words.textContent = words.dataset.words.replace("{n}", number);
}
