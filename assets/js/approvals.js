// The inbox of approvals: "a" approves like "e", "x" chooses, a reason is written at once, and what was done is said after a swap.
import { say, typing } from "./keys.js";

const inbox = () => document.getElementById("inbox");

const phone = () => matchMedia("(max-width: 767.98px)").matches;

// The address names the case that is open, so that the page can be renewed without leaving it.
const first = !phone() && !new URLSearchParams(location.search).has("open") && inbox()?.querySelector(".q-todo a.on");
if (first) history.replaceState(history.state, "", first.href);

document.addEventListener("keydown", (event) => {
  if (!inbox() || typing(event)) return;
  if (event.key === "a") inbox().querySelector('[data-key="e"]')?.click();
  else if (event.key === "x") inbox().querySelector(".q-todo:has(a.on) [name=pick]")?.click();
  else return;
  event.preventDefault();
});
document.addEventListener("toggle", (event) => {
  if (event.target.id === "refuse" && event.target.open) document.getElementById("reason").focus();
}, true);
document.addEventListener("q-say", (event) => say(event.detail.value));

// On a phone the list and the case are two screens, each with its own head.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.target.closest(".q-todo") || !phone()) return;
  event.preventDefault();
  location.assign(event.target.href);
});

// The button above the list says what it will take: the chosen ones, or all.
document.addEventListener("change", (event) => {
  const words = event.target.matches('[name=pick][form=many]') && inbox()?.querySelector("[data-many]");
  if (!words) return;
  words.dataset.usual ??= words.textContent;
  const number = inbox().querySelectorAll("[name=pick]:checked").length;
  words.textContent = number ? words.dataset.words.replace("{n}", number) : words.dataset.usual;
});
