/**
 * Charts of widgets: bars, lines and areas as SVG, and their numbers as a table.
 *
 * A series is one path, however many values it has. The chart is drawn anew when its place becomes
 * wider or narrower, so that its words keep their size.
 *
 * @typedef {ReturnType<typeof createChart>} Chart
 */

const PER_VALUE = 100; // units of work; see limits.js
const WIDTH = 440; // pixels, until the place is known
const HEIGHT = 224;
const LETTER = 6.8; // the width of one, in pixels
const LONGEST_NAME = 14; // letters of a name at the axis
const WIDEST_BAR = 56;
const DOTS = 60; // a line of more points has no dots
const PALETTE = ["blue", "purple", "orange", "green", "red", "yellow", "pink"];

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {import("./limits.js").Budget} options.budget
 * @param {typeof import("./chart_geometry.js")} options.geometry
 * @param {typeof import("./widget_style.js")} options.styles
 * @param {(...tables: Node[]) => HTMLElement} options.scrolling
 */
export function createChart({ dom, text, budget, geometry, styles, scrolling }) {
  const { document, el, svg } = dom;
  const { strings, say } = text;

  /** What a component says, checked: its rows and series may be anything.
   * @param {any} c */
  function read(c) {
    const isThing = (/** @type {any} */ value) => value && typeof value === "object";
    const rows = [c.data ?? []].flat().filter(isThing);
    const series = [c.series ?? []].flat().filter(isThing);
    budget.spend(rows.length * Math.max(series.length, 1) * PER_VALUE);
    const axis = isThing(c.xAxis) ? c.xAxis : { dataKey: c.xAxis };
    const cell = (/** @type {any} */ row, /** @type {string} */ key) =>
      Object.hasOwn(row, key) ? row[key] : undefined;
    const names = rows.map((row) => {
      const name = String(cell(row, axis.dataKey) ?? "");
      return isThing(axis.labels) && Object.hasOwn(axis.labels, name) ? String(axis.labels[name]) : name;
    });
    return {
      names,
      labels: series.map((one) => String(one.label ?? one.dataKey ?? "")),
      values: series.map((one) => rows.map((row) => geometry.numberOf(cell(row, one.dataKey)))),
      series,
      isAxisHidden: Boolean(axis.hide),
    };
  }

  /** @typedef {ReturnType<typeof read>} Data */

  /** @template {HTMLElement | SVGElement} T @param {T} node @param {any} one @param {number} n @returns {T} */
  function coloured(node, one, n) {
    const given = PALETTE.includes(one.color) ? `var(--chart-${one.color})` : one.color;
    // As "color", not "fill": a colour is no address.
    styles.setColour(node.style, "color", `var(--chart-${PALETTE[n % PALETTE.length]})`);
    if (given) styles.setColour(node.style, "color", given);
    return node;
  }

  /** Where everything stands in a chart of that size. @param {Data} data @param {any} c @param {number} width
   * @param {number} height */
  function layOut({ names, values, series, isAxisHidden }, c, width, height) {
    const spans = geometry.stacked(values, series);
    let [low, high] = [0, 0];
    for (const span of spans.flat()) {
      if (!span) continue;
      low = Math.min(low, ...span);
      high = Math.max(high, ...span);
    }
    const ticks = geometry.ticks(low, high, height < 140 ? 3 : 5);
    const marks = ticks.map(short);
    const side = c.showYAxis === false ? 8 : Math.max(...marks.map((mark) => mark.length)) * LETTER + 14;
    const foot = isAxisHidden ? 8 : 24;
    const [left, right, top, bottom] = [side, width - 10, 10, Math.max(height - foot, 30)];
    const [from, to] = [ticks[0], ticks.at(-1)];
    const y = (/** @type {number} */ value) => bottom - ((value - from) / (to - from)) * (bottom - top);
    const count = Math.max(names.length, 1);
    const hasBars = series.some(({ type }) => type === "bar" || !type);
    const margin = hasBars || count === 1 ? (right - left) / count / 2 : Math.min(12, (right - left) / 4);
    const step = count === 1 ? right - left : (right - left - 2 * margin) / (count - 1);
    const isReversed = document.documentElement.dir === "rtl";
    const x = (/** @type {number} */ n) => {
      const at = left + margin + n * step;
      return isReversed ? width - at : at;
    };
    return { spans, ticks, marks, left, right, top, bottom, step, x, y, width, height, isReversed };
  }

  const short = (/** @type {number} */ value) =>
    Math.abs(value) >= 1e15 || (value && Math.abs(value) < 1e-4)
      ? text.number(value, { notation: "scientific", maximumSignificantDigits: 3 })
      : text.number(value, { notation: "compact", maximumSignificantDigits: 4 });

  /** @typedef {ReturnType<typeof layOut>} Layout */

  /** Bars of all series, those of one stack at one place. @param {Data} data @param {any} c @param {Layout} l */
  function bars({ series }, c, { spans, step, x, y, isReversed }) {
    const isBar = (/** @type {any} */ one) => one.type === "bar" || !one.type;
    const places = new Map();
    for (const [n, one] of series.entries()) {
      const key = one.stack ? `stack ${one.stack}` : n;
      if (isBar(one) && !places.has(key)) places.set(key, places.size);
    }
    const pixels = (/** @type {any} */ value, /** @type {number} */ usual) => Math.max(Number(value ?? usual) || 0, 0);
    const gap = Math.min(pixels(c.barGap, 3), step / (2 * places.size || 1));
    const all = step - Math.min(pixels(c.barCategoryGap, step * 0.3), step * 0.8);
    const wide = Math.max(Math.min((all - gap * (places.size - 1)) / places.size, WIDEST_BAR), 0.5);
    const begin = -(wide * places.size + gap * (places.size - 1)) / 2;
    return series.map((one, s) => {
      if (!isBar(one)) return null;
      const place = places.get(one.stack ? `stack ${one.stack}` : s);
      const shift = (begin + place * (wide + gap)) * (isReversed ? -1 : 1) - (isReversed ? wide : 0);
      const pieces = spans[s].map((span, n) => {
        if (!span) return "";
        const [upper, lower] = [y(Math.max(...span)), y(Math.min(...span))];
        return `M${tenth(x(n) + shift)} ${tenth(upper)}h${tenth(wide)}V${tenth(lower)}h${tenth(-wide)}Z`;
      });
      return coloured(svg("path", { class: "chart-bar", d: pieces.join("") }), one, s);
    });
  }

  const tenth = (/** @type {number} */ value) => Math.round(value * 10) / 10;

  /** @param {Data} data @param {Layout} l */
  function lines({ series }, { spans, x, y }) {
    return series.map((one, s) => {
      if (one.type !== "line" && one.type !== "area") return null;
      const side = (/** @type {number} */ end) =>
        spans[s].map((span, n) => (span ? /** @type {[number, number]} */ ([x(n), y(span[end])]) : null));
      const upper = side(1);
      const d = geometry.line(upper, one.curveType);
      const dots = upper.length <= DOTS ? upper.filter(Boolean) : [];
      const group = svg(
        "g",
        { class: `chart-${one.type}` },
        one.type === "area" && svg("path", { class: "chart-fill", d: geometry.area(upper, side(0), one.curveType) }),
        svg("path", { class: "chart-stroke", d }),
        ...dots.map(([cx, cy]) => svg("circle", { class: "chart-dot", cx: tenth(cx), cy: tenth(cy), r: 2.5 })),
      );
      return coloured(group, one, s);
    });
  }

  /** @param {Data} data @param {any} c @param {Layout} l */
  function axes({ names, isAxisHidden }, c, { ticks, marks, left, right, bottom, step, x, y, width, isReversed }) {
    const across = (/** @type {number} */ at) => (isReversed ? width - at : at);
    const grid = ticks.map((tick) =>
      svg("line", {
        class: tick === 0 ? "chart-zero" : "chart-grid",
        x1: across(left),
        x2: across(right),
        y1: tenth(y(tick)),
        y2: tenth(y(tick)),
      }),
    );
    const scale =
      c.showYAxis === false
        ? []
        : ticks.map((tick, n) =>
            svg(
              "text",
              { x: tenth(across(left - 6)), y: tenth(y(tick)), "text-anchor": "end", dy: "0.32em" },
              marks[n],
            ),
          );
    const shown = names.map((name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name));
    const widest = shown.reduce((most, { length }) => Math.max(most, length), 1) * LETTER + 10;
    const each = Math.ceil(widest / Math.max(step, 1e-6)) || 1; // so that they don't touch
    const labels = isAxisHidden
      ? []
      : shown.map(
          (name, n) =>
            n % each === 0 && svg("text", { x: tenth(x(n)), y: tenth(bottom + 17), "text-anchor": "middle" }, name),
        );
    return [...grid, ...scale, ...labels];
  }

  /** @param {Data} data @param {any} c @param {Layout} l */
  const draw = (data, c, l) =>
    svg(
      "svg",
      {
        role: "img",
        "aria-label": say("chart", { names: data.labels.join(", ") }),
        viewBox: `0 0 ${tenth(l.width)} ${tenth(l.height)}`,
        preserveAspectRatio: "none",
      },
      ...axes(data, c, l),
      ...bars(data, c, l),
      ...lines(data, l),
    );

  /** @param {any} one @param {number} n */
  const swatch = (one, n) => coloured(el("span", { class: "chart-swatch", "data-type": one.type }), one, n);

  /** @param {Data} data */
  const legend = ({ labels, series }) =>
    el(
      "ul",
      { class: "chart-legend" },
      ...labels.map((label, n) => el("li", {}, swatch(series[n], n), el("bdi", { text: label }))),
    );

  const said = (/** @type {number | null} */ value) =>
    value === null ? "–" : text.number(value, { maximumFractionDigits: 10 });

  /** The numbers, made when somebody opens them. @param {Data} data */
  function numbers({ names, labels, values }) {
    const table = () => {
      const heads = labels.map((label) => el("th", { scope: "col", dir: "auto", text: label }));
      const rows = names.map((name, n) =>
        el(
          "tr",
          {},
          el("th", { scope: "row", dir: "auto", text: name }),
          ...values.map((column) => el("td", { text: said(column[n]) })),
        ),
      );
      const head = el("thead", {}, el("tr", {}, el("td"), ...heads));
      return scrolling(el("table", { class: "chart-table" }, head, el("tbody", {}, ...rows)));
    };
    const details = el("details", { class: "chart-numbers" }, el("summary", { text: strings.chartNumbers }));
    details.addEventListener("toggle", () => details.childElementCount < 2 && details.append(table()));
    return details;
  }

  /** What stands at the pointer. The table says the same, so that nothing needs a pointer.
   * @param {HTMLElement} frame @param {Data} data @param {() => Layout} layout */
  function tooltip(frame, { names, labels, values, series }, layout) {
    const tip = el("div", { class: "chart-tip", "aria-hidden": "true", hidden: true });
    const cursor = el("div", { class: "chart-cursor", "aria-hidden": "true", hidden: true });
    const hide = () => {
      tip.hidden = cursor.hidden = true;
    };
    const show = (/** @type {PointerEvent} */ { clientX }) => {
      if (!names.length) return;
      const { x, step, width } = layout();
      const place = frame.getBoundingClientRect();
      const wanted = ((clientX - place.left) / (place.width || 1)) * width;
      const n = Math.min(Math.max(Math.round((wanted - x(0)) / (x(1) - x(0) || step)), 0), names.length - 1);
      tip.replaceChildren(
        el("strong", { dir: "auto", text: names[n] }),
        ...series.map((one, s) =>
          el("div", {}, swatch(one, s), el("bdi", { text: labels[s] }), el("b", { text: said(values[s][n]) })),
        ),
      );
      tip.hidden = cursor.hidden = false;
      const left = (x(n) / width) * place.width;
      cursor.style.left = `${left}px`;
      tip.style.left = `${Math.min(Math.max(left - tip.offsetWidth / 2, 0), place.width - tip.offsetWidth)}px`;
    };
    frame.addEventListener("pointermove", show);
    frame.addEventListener("pointerdown", show);
    frame.addEventListener("pointerleave", hide);
    frame.append(cursor, tip);
  }

  /** @param {any} c ChatKit's Chart @returns {HTMLElement} */
  return (c) => {
    const data = read(c);
    const frame = el("div", { class: "chart-frame" });
    const height = c.height ?? c.size;
    styles.style(frame, { height, aspectRatio: c.aspectRatio, minHeight: c.minHeight, maxHeight: c.maxHeight });
    if (c.aspectRatio !== undefined && height === undefined) frame.style.height = "auto";
    let layout = layOut(data, c, WIDTH, typeof height === "number" && height > 0 ? height : HEIGHT);
    let picture = draw(data, c, layout);
    frame.append(picture);
    if (c.showTooltip !== false) tooltip(frame, data, () => layout);
    const Observer = document.defaultView?.ResizeObserver;
    if (Observer) {
      new Observer(([{ contentRect }]) => {
        const { width, height: high } = contentRect;
        if (width < 1 || high < 1 || (width === layout.width && high === layout.height)) return;
        layout = layOut(data, c, width, high);
        const fresh = draw(data, c, layout);
        picture.replaceWith(fresh);
        picture = fresh;
      }).observe(frame);
    }
    const hasLegend = c.showLegend ?? data.series.length > 1;
    const node = el("figure", { class: "w-chart" }, hasLegend && legend(data), frame, numbers(data));
    const width = c.width ?? c.size;
    return styles.style(node, { width, minWidth: c.minWidth, maxWidth: c.maxWidth, flex: c.flex });
  };
}
