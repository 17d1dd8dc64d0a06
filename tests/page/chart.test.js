import assert from "node:assert/strict";
import { test } from "node:test";
import { createChart } from "../../chatstore/static/chatstore/chat/chart.js";
import * as geometry from "../../chatstore/static/chatstore/chat/chart_geometry.js";
import { TooMuchWork } from "../../chatstore/static/chatstore/chat/limits.js";
import * as styles from "../../chatstore/static/chatstore/chat/widget_style.js";
import { openPage } from "./page.js";

const { area, line, numberOf, stacked, ticks } = geometry;

function draw(chart, dir = "ltr") {
  const page = openPage();
  page.window.document.documentElement.dir = dir;
  const drawChart = createChart({ ...page, geometry, styles, scrolling: page.markdown.scrolling });
  const node = page.budget.run(() => drawChart({ type: "Chart", ...chart }));
  page.window.document.body.append(node);
  return { node, window: page.window };
}

/** The corners of the bars of a series: x, y, width, height. */
function bars(path) {
  const found = [...path.getAttribute("d").matchAll(/M([\d.-]+) ([\d.-]+)h([\d.-]+)V([\d.-]+)h[\d.-]+Z/g)];
  return found.map(([, x, y, width, bottom]) => ({ x: +x, y: +y, width: +width, height: bottom - y }));
}

const DATA = [
  { day: "Mon", sold: 3, lost: -1 },
  { day: "Tue", sold: 5, lost: -2 },
  { day: "Wed", sold: 0, lost: null },
];
const texts = (node, selector) => [...node.querySelectorAll(selector)].map(({ textContent }) => textContent);

test("an axis has round values that enclose what it shows", () => {
  assert.deepEqual(ticks(0, 19), [0, 5, 10, 15, 20]);
  assert.deepEqual(ticks(-2, 5), [-2, 0, 2, 4, 6]);
  assert.deepEqual(ticks(0, 0.3), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(ticks(0, 0), [0, 0.25, 0.5, 0.75, 1]);
  for (const [low, high] of [
    [0, 1e300],
    [-1e304, 1e304],
    [0, 1e-300],
    [-7, 0],
  ]) {
    const found = ticks(low, high);
    assert.ok(found.length < 13 && found[0] <= low && found.at(-1) >= high * 0.999, `${low} ${high}: ${found}`);
  }
});

test("a cell is a number or none", () => {
  assert.deepEqual([4, "4", "", null, undefined, "x", {}, Infinity].map(numberOf), [
    4,
    4,
    ...Array(5).fill(null),
    1e300,
  ]);
});

test("bars are stacked above and below zero, areas are added up", () => {
  const bar = { type: "bar", stack: "a" };
  const values = [
    [3, -1],
    [2, -2],
    [-4, 5],
  ];
  const above = [
    [0, 3],
    [3, 5],
  ];
  assert.deepEqual(
    stacked(values, [bar, bar, bar]).map(([first]) => first),
    [...above, [0, -4]],
  );
  const area = { type: "area", stack: "a" };
  assert.deepEqual(
    stacked(values, [area, area, area]).map(([first]) => first),
    [...above, [5, 1]],
  );
  assert.deepEqual(stacked(values, [bar, { type: "bar" }, { ...area }])[1][0], [0, 2]);
});

test("a line has gaps, steps and curves that reach no further than its points", () => {
  assert.equal(line([[0, 1], [1, 2], null, [3, 4]]), "M0 1L1 2M3 4");
  assert.equal(
    line(
      [
        [0, 0],
        [10, 5],
      ],
      "step",
    ),
    "M0 0H5V5H10",
  );
  assert.equal(
    line(
      [
        [0, 0],
        [10, 5],
      ],
      "stepAfter",
    ),
    "M0 0H10V5H10",
  );
  assert.equal(
    area(
      [
        [0, 1],
        [4, 1],
      ],
      [
        [0, 9],
        [4, 9],
      ],
    ),
    "M0 1L4 1L4 9L0 9Z",
  );
  const curve = line(
    [
      [0, 0],
      [10, 10],
      [20, 10],
      [30, 0],
    ],
    "natural",
  );
  const numbers = curve.match(/[\d.-]+/g).map(Number);
  assert.ok(
    numbers.filter((_, n) => n % 2).every((y) => y >= 0 && y <= 10),
    curve,
  );
  assert.match(
    line(
      [
        [0, 0],
        [1, 1],
      ],
      "constructor",
    ),
    /^M0 0C/,
  );
});

test("a bar chart has one path a series, bars below zero too, and axes", () => {
  const series = [
    { type: "bar", dataKey: "sold", label: "Sold" },
    { type: "bar", dataKey: "lost", label: "Lost" },
  ];
  const { node } = draw({ xAxis: "day", data: DATA, series });
  const [sold, lost] = [...node.querySelectorAll(".chart-bar")].map(bars);
  assert.equal(sold.length, 3);
  assert.equal(lost.length, 2);
  assert.ok(Math.abs(sold[1].height / sold[0].height - 5 / 3) < 0.05);
  assert.ok(Math.abs(sold[0].y + sold[0].height - lost[0].y) < 0.2, "both begin at zero");
  assert.ok(lost[0].x >= sold[0].x + sold[0].width, "beside each other");
  assert.deepEqual(texts(node, "svg text"), ["-2", "0", "2", "4", "6", "Mon", "Tue", "Wed"]);
  assert.deepEqual(texts(node, ".chart-legend li"), ["Sold", "Lost"]);
  assert.equal(node.querySelector("svg").getAttribute("aria-label"), "Chart: Sold, Lost");
});

test("stacked bars stand upon each other, and lines and areas are drawn too", () => {
  const data = [
    { day: "Mon", a: 2, b: 3, c: 4 },
    { day: "Tue", a: 1, b: 1, c: 5 },
  ];
  const stackedBars = ["a", "b"].map((dataKey) => ({ type: "bar", dataKey, stack: "s" }));
  const { node } = draw({
    xAxis: "day",
    data,
    series: [...stackedBars, { type: "line", dataKey: "c" }, { type: "area", dataKey: "c", curveType: "monotone" }],
  });
  const [a, b] = [...node.querySelectorAll(".chart-bar")].map(bars);
  assert.equal(a[0].x, b[0].x);
  assert.ok(Math.abs(b[0].y + b[0].height - a[0].y) < 0.2);
  assert.equal(node.querySelectorAll(".chart-line .chart-dot").length, 2);
  assert.match(node.querySelector(".chart-area .chart-fill").getAttribute("d"), /Z$/);
});

test("what the component may leave out is left out", () => {
  const series = [{ type: "line", dataKey: "sold", label: "Sold" }];
  const options = { data: DATA, series, showYAxis: false, showTooltip: false, xAxis: { dataKey: "day", hide: true } };
  const { node } = draw(options);
  assert.equal(node.querySelectorAll("svg text, .chart-tip, .chart-legend").length, 0);
  assert.ok(draw({ ...options, showLegend: true }).node.querySelector(".chart-legend"));
  const { node: sized } = draw({ ...options, height: 320, width: "50%" });
  assert.equal(sized.querySelector(".chart-frame").style.height, "320px");
  assert.equal(sized.style.width, "50%");
  assert.match(sized.querySelector("svg").getAttribute("viewBox"), / 320$/);
  const { node: wide } = draw({ ...options, aspectRatio: "16 / 9" });
  assert.equal(wide.querySelector(".chart-frame").style.height, "auto");
});

test("right to left, the first bar stands at the right, and the axis too", () => {
  const chart = { xAxis: "day", data: DATA, series: [{ type: "bar", dataKey: "sold" }] };
  const left = bars(draw(chart).node.querySelector(".chart-bar"));
  const { node } = draw(chart, "rtl");
  const right = bars(node.querySelector(".chart-bar"));
  assert.ok(left[0].x < left[1].x && right[0].x > right[1].x);
  assert.ok(Math.abs(440 - right[0].x - right[0].width - left[0].x) < 0.2);
  assert.ok(Number(node.querySelector("text").getAttribute("x")) > 400);
});

test("names that don't fit beside each other are shown here and there", () => {
  const data = Array.from({ length: 200 }, (_, n) => ({ day: `Day number ${n}`, sold: n }));
  const { node } = draw({ xAxis: "day", data, series: [{ type: "line", dataKey: "sold" }], showYAxis: false });
  const shown = texts(node, "text");
  assert.ok(shown.length > 2 && shown.length < 6, String(shown));
});

test("the numbers are a table that is made when it is opened; names and labels may be any", async () => {
  const labels = { constructor: "ignored", Tue: "Tuesday" };
  const { node, window } = draw({
    xAxis: { dataKey: "day", labels },
    data: [{ day: "toString", sold: 3 }, { day: "Tue", sold: 5.25 }, null, "no row"],
    series: [{ type: "bar", dataKey: "sold" }, { type: "bar", dataKey: "toString" }, null],
  });
  const details = node.querySelector("details");
  assert.equal(details.querySelector("table"), null);
  details.open = true;
  details.dispatchEvent(new window.Event("toggle"));
  assert.deepEqual(texts(details, "th[scope=row]"), ["toString", "Tuesday"]);
  assert.deepEqual(texts(details, "td"), ["", "3", "–", "5.25", "–"]);
  assert.deepEqual(texts(details, "th[scope=col]"), ["sold", "toString"]);
});

test("a colour is a name of ours, a primitive, or CSS that can hold no address", () => {
  const colours = ["purple", "red-100", "url(https://evil.example/#x)", { light: "#000", dark: "#fff" }, "tomato"];
  const series = colours.map((color) => ({ type: "bar", dataKey: "sold", color }));
  const { node } = draw({ xAxis: "day", data: DATA, series });
  const paths = [...node.querySelectorAll(".chart-bar")];
  assert.equal(paths[0].style.color, "var(--chart-purple)");
  assert.equal(paths[4].style.color, "tomato");
  assert.doesNotMatch(node.outerHTML, /evil/);
});

test("no data, no series, or too much of them", () => {
  assert.ok(draw({}).node.querySelector("svg"));
  assert.ok(draw({ xAxis: "a", data: [], series: [{ dataKey: "b" }] }).node.querySelector("svg"));
  const data = Array.from({ length: 30_000 }, () => ({ a: 1 }));
  assert.throws(() => draw({ xAxis: "a", data, series: [{ dataKey: "a" }] }), TooMuchWork);
});

test("the pointer shows the values where it is", () => {
  const { node, window } = draw({
    xAxis: "day",
    data: DATA,
    series: [{ type: "bar", dataKey: "sold", label: "Sold" }],
  });
  const frame = node.querySelector(".chart-frame");
  frame.getBoundingClientRect = () => ({ left: 0, width: 440 });
  const point = (clientX) => frame.dispatchEvent(new window.MouseEvent("pointermove", { clientX, bubbles: true }));
  point(430);
  assert.equal(node.querySelector(".chart-tip").textContent, "WedSold0");
  point(60);
  assert.equal(node.querySelector(".chart-tip").textContent, "MonSold3");
  frame.dispatchEvent(new window.MouseEvent("pointerleave"));
  assert.ok(node.querySelector(".chart-tip").hidden);
});
