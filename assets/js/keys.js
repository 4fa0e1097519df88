// Menus, toasts and page keys. A key is declared on its element (data-key="n"); typing in a field is never a command.

export const typing = (event) => event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog");

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    const find = document.getElementById("find");
    if (find) { event.preventDefault(); find.focus(); find.select(); }
    return;
  }
  if (event.key === "Escape") closeMenus(null);
  if (typing(event)) return;
  const named = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!named || named.closest("[hidden]")) return;
  event.preventDefault();
  if (named.matches("input")) { named.focus(); named.select(); } else named.click();
});

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.q-menu[open]")) if (menu !== except && !menu.contains(except)) menu.open = false;
}
document.addEventListener("click", (event) => {
  closeMenus(event.target.closest("details.q-menu"));
  const close = event.target.closest("[data-close]");
  if (close) gone(close.closest(".q-toast"));
  const why = event.target.closest("[aria-controls].why");
  if (why) {
    const row = document.getElementById(why.getAttribute("aria-controls"));
    row.hidden = !row.hidden;
    why.setAttribute("aria-expanded", String(!row.hidden));
  }
});

function gone(toast) {
  toast.classList.add("gone");
  setTimeout(() => toast.remove(), 150);
}
function later(toast) {
  if (!toast.classList.contains("c-wrong")) setTimeout(() => toast.matches(":hover, :focus-within") ? later(toast) : gone(toast), toast.matches("[data-undo]") ? 10000 : 6000);
}
export function say(words, css = "") {
  const toast = document.createElement("div");
  toast.className = `q-toast ${css}`;
  toast.append(Object.assign(document.createElement("span"), { textContent: words }));
  const close = Object.assign(document.createElement("button"), { type: "button", className: "q-x", textContent: "\u00d7" });
  close.dataset.close = "";
  close.setAttribute("aria-label", document.body.dataset.wordsClose);
  toast.append(close);
  document.getElementById("toasts").append(toast);
  later(toast);
}
document.querySelectorAll(".q-toast").forEach(later);
document.addEventListener("htmx:sendError", () => say(document.body.dataset.wordsFailed, "c-wrong"));
document.addEventListener("htmx:responseError", () => say(document.body.dataset.wordsFailed, "c-wrong"));
