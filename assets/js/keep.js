// Changing language or look reloads the page: what is half typed in its forms is kept over that reload, and over no other.
const key = `keep:${location.pathname}${location.search}`;
const fields = () => [...document.querySelectorAll("main :is(form[data-form], form[data-entry]) :is(input, textarea, select)")].filter((f) => f.name && !/^(hidden|password|file|submit)$/.test(f.type) && !f.closest("[data-line]")); // the lines of a basket are the server's

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-keep]")) return;
  const typed = fields().map((f) => [f.name, f.type === "checkbox" || f.type === "radio" ? f.checked : f.value]);
  if (typed.length) sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), typed, scroll: scrollY }));
});

const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
sessionStorage.removeItem(key);
if (kept && Date.now() - kept.at < 15000) {
  const now = fields();
  kept.typed.forEach(([name, value], i) => {
    const field = now[i]?.name === name ? now[i] : null;
    if (!field) return;
    if (typeof value === "boolean") field.checked = value; else field.value = value;
    if (value) field.dispatchEvent(new Event("input", { bubbles: true }));
  });
  scrollTo(0, kept.scroll);
}
