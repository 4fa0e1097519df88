// The browser's side of Qudao: htmx for regions, and four small delegated controllers. Every page works without any of this.
import htmx from "htmx.org";
import "./keys.js";
import "./forms.js";
import "./list.js";
import "./lines.js";

window.htmx = htmx; // for the page's own regions loaded later
document.documentElement.classList.add("js");
