/** Layout and colours of a widget's component. They go through the CSSOM, which a strict policy
 * allows, and only known properties are set. */

const COLORS = new Set("prose primary emphasis secondary tertiary success warning danger info discovery".split(" "));
const LENGTHS = /** @type {const} */ (["width", "height", "minWidth", "minHeight", "maxWidth", "maxHeight"]);
const NAMES = ["align", "justify", "textAlign", "weight", "radius"];

/** @param {any} value @param {number} [unit] pixels that a bare number counts */
const length = (value, unit = 1) => (typeof value === "number" ? `${value * unit}px` : value);

/** @param {any} value @param {boolean} isDark */
const themed = (value, isDark) => (typeof value === "object" && value ? value[isDark ? "dark" : "light"] : value);

/** @param {CSSStyleDeclaration} style @param {"padding" | "margin"} name @param {any} value */
function setSpace(style, name, value) {
  if (value === undefined || value === null) return;
  if (typeof value !== "object") {
    style[name] = length(value, 4);
    return;
  }
  const edges = /** @type {any} */ (style);
  edges[`${name}Block`] = `${length(value.top ?? value.y ?? 0, 4)} ${length(value.bottom ?? value.y ?? 0, 4)}`;
  edges[`${name}Inline`] = `${length(value.left ?? value.x ?? 0, 4)} ${length(value.right ?? value.x ?? 0, 4)}`;
}

/**
 * @template {HTMLElement | SVGElement} T
 * @param {T} node
 * @param {any} component
 * @param {boolean} isDark
 * @returns {T}
 */
export function style(node, component, isDark) {
  const s = node.style;
  for (const name of LENGTHS) if (component[name] !== undefined) s[name] = length(component[name]);
  for (const name of /** @type {const} */ (["aspectRatio", "flex"]))
    if (component[name] !== undefined) s[name] = component[name];
  if (component.size !== undefined && /^\d/.test(component.size)) s.width = s.height = length(component.size);
  if (component.gap !== undefined) s.gap = length(component.gap, 4);
  setSpace(s, "padding", component.padding);
  setSpace(s, "margin", component.margin);
  const background = themed(component.background, isDark);
  const surface = /^surface(.*ary)?/.exec(background ?? "");
  if (background) s.backgroundColor = surface ? `var(--${surface[1] ? "ground" : "raised"})` : background;
  const color = themed(component.color, isDark);
  if (color && COLORS.has(color)) node.dataset.color = color;
  else if (color) s.color = color;
  for (const name of NAMES) if (component[name]) node.dataset[name] = component[name];
  if (component.wrap) s.flexWrap = component.wrap;
  if (component.border) node.classList.add("bordered");
  if (typeof component.size === "string" && /^\d?[a-z]+$/.test(component.size)) node.dataset.size = component.size;
  if (component.truncate) node.classList.add("truncate");
  if (component.maxLines) {
    node.classList.add("clamp");
    s.setProperty("-webkit-line-clamp", component.maxLines);
  }
  return node;
}
