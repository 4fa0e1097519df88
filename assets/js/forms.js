// Forms: one submit at a time, a spinner on the pressed button, Ctrl+Enter, focus on the first fault, questions in a dialog.
import htmx from "htmx.org";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.busy) { event.preventDefault(); return; }
  form.dataset.busy = "1";
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  button?.setAttribute("aria-busy", "true");
});
function free(form) {
  delete form.dataset.busy;
  form.querySelectorAll("[aria-busy]").forEach((b) => b.removeAttribute("aria-busy"));
}
document.addEventListener("htmx:afterRequest", (event) => { const form = event.target.closest?.("form"); if (form) free(form); });
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-busy]").forEach(free));

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const form = event.target.closest("form") ?? document.querySelector("main form[data-form]");
  if (form?.matches("[data-form]")) { event.preventDefault(); form.requestSubmit(); }
});

const first = (root) => root.querySelector("[aria-invalid=true]")?.focus();
first(document);

// A question (reason, confirmation) opens in a dialog; without this script the same address is a page.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-dialog]")) { event.target.closest("dialog").close(); return; }
  const link = event.target.closest("a[data-ask]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  link.closest("details")?.removeAttribute("open");
  openAsk("GET", link.href);
});
export function openAsk(method, url, values) {
  let dialog = document.getElementById("ask");
  if (!dialog) {
    dialog = Object.assign(document.createElement("dialog"), { id: "ask", className: "q-ask" });
    document.body.append(dialog);
  }
  dialog.replaceChildren();
  htmx.ajax(method, url, { target: "#ask", swap: "innerHTML", ...(values && { values }) }).then(() => {
    if (dialog.childElementCount && !dialog.open) dialog.showModal();
    (dialog.querySelector("textarea, input:not([type=hidden]), select") ?? dialog.querySelector(".btn-primary, .btn-danger"))?.focus();
  });
}
document.addEventListener("htmx:afterSwap", (event) => { if (event.target.id === "ask") first(event.target); });
