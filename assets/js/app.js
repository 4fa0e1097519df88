// The browser's side of Qudao: htmx for regions, and four small delegated controllers. Every page works without any of this.
import htmx from "htmx.org";
import "./palette.js"; // before keys.js: Ctrl K is its
import "./keys.js";
import "./forms.js";
import "./list.js";
import "./trail.js";
import "./cells.js";
import "./lines.js";
import "./pulse.js";
import "./approvals.js";
import "./talk.js";
import "./scan.js";
import "./tally.js";
import "./basket.js";
import "./keep.js";

htmx.config.defaultSettleDelay = 0; // what was swapped in answers at once: a key within the usual 20 ms would send its form past htmx, as a page of its own

// Charts come only where one is on the page, after everything else.
const draw = () => { if (document.querySelector("[data-chart]")) import("./charts.js").then((charts) => charts.draw()); };
draw();
document.addEventListener("htmx:afterSettle", draw);

window.htmx = htmx; // for the page's own regions loaded later
document.documentElement.classList.add("js");
