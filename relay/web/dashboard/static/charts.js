// Draws each element with `data-series` by uPlot, in the colours of the page, and again when its figures change.
"use strict";

const HEIGHT = 130;
const minute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const drawn = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// A minute between two without a value has no line to stand on: it gets a point.
function alone(chart, index) {
  const values = chart.data[index];
  return [...values.keys()].filter((at) => values[at] !== null && values[at - 1] == null && values[at + 1] == null);
}

// The minute that is not over yet is drawn apart, so that it is not taken for a fall.
function parted(series) {
  const { values } = series;
  const running = values.map((value, at) => (at < values.length - 2 ? null : value));
  return [{ ...series, values: [...values.slice(0, -1), null] }, { ...series, values: running, isRunning: true }];
}

function line(series) {
  const stroke = colour(series.kind);
  const points = { show: true, size: 6, fill: stroke, filter: alone };
  const drawn = { label: series.name, stroke, width: 1.75, points };
  return series.isRunning ? { ...drawn, dash: [3, 4] } : { ...drawn, fill: `color-mix(in srgb, ${stroke} 12%, transparent)` };
}

function options(element, series) {
  const axis = { stroke: colour("muted"), grid: { show: false }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const unit = element.dataset.unit;
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_, least, most) => [0, Math.max(most || 0, 1) * 1.15] } },
    axes: [
      { ...axis, size: 24, space: 60, values: (_, marks) => marks.map((mark) => minute.format(mark * 1000)) },
      { ...axis, size: 52, space: 32, grid: { show: true, stroke: colour("line"), width: 1 }, values: (_, marks) => marks.map((mark) => (Number.isInteger(mark) ? mark + (unit && ` ${unit}`) : "")) },
    ],
    series: [{}, ...series.map(line)],
  };
}

function draw(element) {
  const series = JSON.parse(element.dataset.series).filter((one) => one.values.some((value) => value)).flatMap(parted);
  const data = [JSON.parse(element.dataset.at), ...series.map((one) => one.values)];
  drawn.get(element)?.destroy();
  drawn.set(element, new uPlot(options(element, series), data, element));
}

function drawAll() {
  document.querySelectorAll("[data-series]").forEach(draw);
}

drawAll();
document.addEventListener("relay:fresh", drawAll);
addEventListener("resize", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
