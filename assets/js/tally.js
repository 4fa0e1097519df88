// Counting by scanner: a code in the field of [data-tally] counts one more (or a pack of them) at the line that has it, from zero on, and sends nothing.
// The first scan empties what was filled in as expected; the button puts it back. What is more than a line expects goes where the page says, or is refused.
// Codes stand at the rows (data-codes="CODE=1 06901234567892=1 16901234567899=12"): no answer of the server is waited for, so none is lost.
import { say } from "./keys.js";
import { changed, lines, set } from "./lines.js";

const BAD = 220, BEEP = 0.15, LIT = 600;
/** what stands before a GTIN as GS1 writes it: a Digital Link, brackets, or the bare 01 */
const GTIN = [/^https?:\/\/[^?#]*\/01\/(\d{8,14})(?=[/?#]|$)/, /^\(01\) ?(\d{14})/, /^01(\d{14})/];
const plain = (text) => text.trim().replace(/^(\][A-Za-z]\d)?\x1d?/, "");
const folded = (text) => text.normalize("NFKC").toUpperCase();
const keys = (text) => {
  const found = GTIN.map((one) => one.exec(plain(text))).find(Boolean)?.[1];
  return [folded(plain(text)), ...(found ? [found] : [])].flatMap((one) => (/^\d{8,14}$/.test(one) ? [one, one.padStart(14, "0")] : [one]));
};
const cell = (row, name) => row.querySelector(`[name$="-${name}"]`);
const number = (input) => Number(input?.value.replaceAll(",", "")) || 0;
const codes = (row) => new Map((row.dataset.codes ?? "").split("\n").filter(Boolean).map((one) => [one.slice(0, one.lastIndexOf("=")), Number(one.slice(one.lastIndexOf("=") + 1))]));

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-tally]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const field = form.elements.scanned, text = field.value;
  field.value = "";
  field.focus({ preventScroll: true });
  if (text.trim()) count(form, text);
}, true);

function count(form, text) {
  const root = document.querySelector("[data-lines]"), rows = lines(root), { tally, over, wordsUnknown, wordsFull } = form.dataset;
  const holding = rows.map((row) => [row, keys(text).map((key) => codes(row).get(key)).find(Boolean)]).filter(([, by]) => by);
  if (!holding.length) { wrong(wordsUnknown.replace("{code}", plain(text))); return; }
  if (!counting(form, rows)) begin(form, rows);
  const free = ([row, by]) => number(cell(row, tally)) + by <= Number(row.dataset.most);
  const [row, by] = holding.find(free) ?? holding[0];
  const name = free([row, by]) ? tally : over;
  if (!name) { wrong(wordsFull.replace("{code}", plain(text)).replace("{most}", row.dataset.most)); lit(row, "table-danger"); return; }
  set(root, row, name, String(number(cell(row, name)) + by));
  lit(row, name === tally ? "table-success" : "table-warning");
  told(form, rows);
}
// A page that came back, reloaded or with a refusal, goes on where it was: its figures are no longer those that were filled in.
const place = () => `tally:${location.pathname}`;
const counting = (form, rows) => sessionStorage.getItem(place()) && rows.some((row) => cell(row, form.dataset.tally).value !== row.dataset.fill);
function begin(form, rows) {
  sessionStorage.setItem(place(), "1");
  for (const row of rows) cell(row, form.dataset.tally).value = "0";
  changed(rows[0].closest("[data-lines]"), rows);
  say(form.dataset.wordsBegun);
}
const bar = () => document.querySelector("[data-scan]");
function told(form, rows) {
  const sum = (one) => rows.reduce((all, row) => all + one(row), 0);
  const words = form.dataset.wordsTold.replace("{n}", sum((row) => number(cell(row, form.dataset.tally)))).replace("{all}", sum((row) => Number(row.dataset.most)));
  bar().querySelector("[data-said]").textContent = words;
  bar().querySelector("[data-refill]").hidden = false;
}
function lit(row, css) {
  row.classList.add(css);
  row.scrollIntoView({ block: "nearest" });
  setTimeout(() => row.classList.remove(css), LIT);
}
let sound;
function wrong(words) {
  say(words, "c-wrong");
  navigator.vibrate?.([80, 60, 80]);
  sound ??= new AudioContext();
  const tone = sound.createOscillator();
  tone.frequency.value = BAD;
  tone.connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + BEEP);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-refill]");
  if (!button) return;
  const form = button.form, root = document.querySelector("[data-lines]"), rows = lines(root);
  for (const row of rows) {
    cell(row, form.dataset.tally).value = row.dataset.fill;
    if (form.dataset.over) cell(row, form.dataset.over).value = "";
  }
  sessionStorage.removeItem(place());
  button.hidden = true;
  bar().querySelector("[data-said]").textContent = "";
  changed(root, rows);
});
