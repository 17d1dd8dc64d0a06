/** The geometry of a chart: the values at its axis, stacks, and curves as SVG's path data. */

const MOST = 1e300; // so that sums stay finite
const LEAST = 1e-300;

/** A cell as a number; null where there is none. @param {any} value @returns {number | null} */
export function numberOf(value) {
  const number = typeof value === "string" && !value.trim() ? Number.NaN : Number(value ?? Number.NaN);
  if (Number.isNaN(number)) return null;
  return Math.abs(number) < LEAST ? 0 : Math.min(Math.max(number, -MOST), MOST);
}

/**
 * Round values that divide the range from `low` to `high`, both within the first and the last.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} [count] how many to aim at
 */
export function ticks(low, high, count = 5) {
  if (!(high > low)) high = low + 1;
  const rough = (high - low) / Math.max(count - 1, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((times) => power * times >= rough * 0.999);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  // toPrecision: 3 * 0.1 is not 0.3
  return Array.from({ length: last - first + 1 }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

/**
 * From where to where each value of each series reaches, in stacks; null where there is none.
 *
 * Bars that are negative are stacked below zero, areas are added up. Series are stacked if they are
 * of one type and have the same `stack`.
 *
 * @param {(number | null)[][]} values of each series
 * @param {{ type?: string, stack?: string }[]} series
 * @returns {([number, number] | null)[][]}
 */
export function stacked(values, series) {
  /** @type {Map<string, { above: number, below: number }[]>} */
  const sums = new Map();
  return values.map((column, s) => {
    const { type, stack } = series[s];
    if (!stack || type === "line") return column.map((value) => (value === null ? null : [0, value]));
    const key = `${type} ${stack}`;
    if (!sums.has(key))
      sums.set(
        key,
        Array.from(column, () => ({ above: 0, below: 0 })),
      );
    return column.map((value, n) => {
      if (value === null && type === "bar") return null;
      const sum = sums.get(key)[n];
      const side = (value ?? 0) < 0 && type === "bar" ? "below" : "above";
      const from = sum[side];
      sum[side] += value ?? 0;
      return [from, sum[side]];
    });
  });
}

/** @typedef {[number, number]} Point */

const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
const at = (/** @type {Point} */ [x, y]) => `${round(x)} ${round(y)}`;

/** What follows the first point. @type {Record<string, (points: Point[]) => string>} */
const CURVES = {
  linear: (points) =>
    points
      .slice(1)
      .map((point) => `L${at(point)}`)
      .join(""),
  step: (points) => steps(points, 0.5),
  stepBefore: (points) => steps(points, 0),
  stepAfter: (points) => steps(points, 1),
};

/** @param {Point[]} points @param {number} share of the way at which the value changes */
function steps(points, share) {
  const pieces = points.slice(1).map(([x, y], n) => {
    const [from] = points[n];
    return `H${round(from + (x - from) * share)}V${round(y)}H${round(x)}`;
  });
  return pieces.join("");
}

/** A smooth curve that reaches no value beyond those of its points (Fritsch and Carlson).
 * @param {Point[]} points */
function smooth(points) {
  const slopes = points.slice(1).map(([x, y], n) => (y - points[n][1]) / (x - points[n][0] || 1));
  const tangents = points.map((_, n) => {
    const [before, after] = [slopes[n - 1] ?? slopes[n], slopes[n] ?? slopes[n - 1]];
    if (before * after <= 0) return 0;
    return Math.sign(before) * Math.min(Math.abs(before + after) / 2, 3 * Math.abs(before), 3 * Math.abs(after));
  });
  const pieces = points.slice(1).map(([x, y], n) => {
    const [fromX, fromY] = points[n];
    const third = (x - fromX) / 3;
    const first = at([fromX + third, fromY + third * tangents[n]]);
    return `C${first} ${at([x - third, y - third * tangents[n + 1]])} ${at([x, y])}`;
  });
  return pieces.join("");
}

const rest = (/** @type {Point[]} */ points, /** @type {string} */ type) =>
  (!type ? CURVES.linear : Object.hasOwn(CURVES, type) ? CURVES[type] : smooth)(points);

/**
 * A line through points, with gaps where one is null.
 *
 * @param {(Point | null)[]} points
 * @param {string} [type] ChatKit's curveType; all that are smooth are drawn by one kind of curve
 */
export function line(points, type) {
  return runs(points)
    .map((run) => `M${at(run[0])}${rest(run, type)}`)
    .join("");
}

/**
 * The area between two lines of which each point has the same x.
 *
 * @param {(Point | null)[]} upper
 * @param {(Point | null)[]} lower
 * @param {string} [type]
 */
export function area(upper, lower, type) {
  const below = runs(lower);
  const opposite = type === "stepBefore" ? "stepAfter" : type === "stepAfter" ? "stepBefore" : type;
  return runs(upper)
    .map((run, n) => {
      const back = below[n].toReversed();
      return `M${at(run[0])}${rest(run, type)}L${at(back[0])}${rest(back, opposite)}Z`;
    })
    .join("");
}

/** @param {(Point | null)[]} points */
function runs(points) {
  /** @type {Point[][]} */
  const found = [];
  let isOpen = false;
  for (const point of points) {
    if (point && isOpen) found.at(-1).push(point);
    else if (point) found.push([point]);
    isOpen = Boolean(point);
  }
  return found;
}
