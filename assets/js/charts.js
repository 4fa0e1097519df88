// Charts drawn from the table behind them: heads with data-series are series, data-value the figures, a row's address the way to its documents.
// Loaded only where a page has one. Colours and font are read from the page at run time and again when the theme changes.
import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, TooltipComponent, LegendComponent, AriaComponent, CanvasRenderer]);
const drawn = new Map();
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

// A canvas knows no custom properties: a probe element turns one into a colour.
function colour(name) {
  const probe = document.body.appendChild(Object.assign(document.createElement("i"), { className: `t-${name}` }));
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  probe.remove();
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgb(${r}, ${g}, ${b})`;
}

function read(table) {
  const heads = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const series = heads.map((head, i) => ({ head, i })).filter(({ head }) => head.hasAttribute("data-series"))
    .map(({ head, i }) => ({ name: head.textContent.trim(), values: rows.map((row) => Number(row.cells[i].dataset.value)), words: rows.map((row) => row.cells[i].textContent.trim()) }));
  return { labels: rows.map((row) => row.cells[0].textContent.trim()), urls: rows.map((row) => row.dataset.href), series };
}

function options(figure) {
  const { labels, series } = read(document.getElementById(figure.dataset.chart));
  const kinds = figure.dataset.chartKinds.split(" ");
  const palette = ["accent", "wait", "move"].map(colour);
  const style = getComputedStyle(document.body);
  const text = { fontFamily: style.fontFamily, fontSize: 12, color: style.color };
  const short = (value) => (document.documentElement.lang.startsWith("zh") ? (Math.abs(value) >= 1e4 ? `${Math.round(value / 1e4).toLocaleString()} 万` : `${value}`) : Intl.NumberFormat("en", { notation: "compact" }).format(value));
  return {
    animation: !calm,
    aria: { enabled: true, decal: { show: false } },
    color: palette,
    textStyle: text,
    legend: { top: 0, right: 0, textStyle: text, itemWidth: 14, itemHeight: 8 },
    grid: { left: 8, right: 8, top: 32, bottom: 4, containLabel: true },
    tooltip: { trigger: "axis", renderMode: "richText", textStyle: { fontFamily: style.fontFamily, fontSize: 12 }, formatter: (found) => [found[0].axisValueLabel, ...found.map((one) => `${one.seriesName}  ${series[one.seriesIndex].words[one.dataIndex]}`)].join("\n") },
    xAxis: { type: "category", data: labels, axisTick: { show: false }, axisLabel: { ...text, hideOverlap: true }, axisLine: { lineStyle: { color: style.color, opacity: 0.25 } } },
    yAxis: { type: "value", splitNumber: 4, axisLabel: { ...text, formatter: short }, splitLine: { lineStyle: { color: style.color, opacity: 0.1 } } },
    series: series.map((one, i) => ({ name: one.name, type: kinds[i] ?? "bar", data: one.values, barMaxWidth: 32, symbolSize: 6, lineStyle: { width: 2 }, cursor: "pointer" })),
  };
}

export async function draw() {
  await document.fonts.ready;
  for (const [figure, chart] of drawn) if (!figure.isConnected) { chart.dispose(); drawn.delete(figure); }
  for (const figure of document.querySelectorAll("[data-chart]")) {
    let chart = drawn.get(figure);
    if (!chart) {
      chart = init(figure);
      drawn.set(figure, chart);
      chart.on("click", (at) => { const url = read(document.getElementById(figure.dataset.chart)).urls[at.dataIndex]; if (url) location.assign(url); });
      new ResizeObserver(() => chart.resize()).observe(figure);
    }
    chart.setOption(options(figure), true);
    figure.dataset.drawn = "";
  }
}
new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
