// Draws what stands in a table below it: the first column as names along the axis, the column that is named as bars. The table stays, for who reads it better.
"use strict";

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(place) {
  const table = document.getElementById(place.dataset.chart);
  const rows = [...table.tBodies[0].rows].reverse();
  const names = rows.map((row) => row.cells[0].textContent.trim());
  const column = Number(place.dataset.column);
  const told = rows.map((row) => parseFloat(row.cells[column].dataset.value));
  const values = told.map((value) => (Number.isNaN(value) ? null : value));
  const last = names.length - 0.5;
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { stroke: ink("--line") } };
  place.replaceChildren();
  new uPlot({
    width: place.clientWidth - 24,
    height: 220,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, range: [-0.5, last] }, y: { range: (_chart, _low, high) => [0, high * 1.08 || 1] } },
    axes: [
      { ...axis, values: (_chart, ticks) => ticks.map((tick) => names[tick] ?? ""), incrs: [1, 2, 5, 10, 20, 50, 100] },
      { ...axis, size: 64, values: (_chart, ticks) => ticks.map((tick) => place.dataset.before + tick.toLocaleString("en") + place.dataset.after) },
    ],
    series: [
      {},
      { stroke: ink("--accent"), fill: ink("--accent"), paths: uPlot.paths.bars({ size: [0.6, 60] }), points: { show: false } },
    ],
  }, [names.map((_name, index) => index), values], place);
}

for (const place of document.querySelectorAll("[data-chart]")) {
  draw(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(place));
  addEventListener("resize", () => draw(place));
}
