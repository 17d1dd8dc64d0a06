/** Layout and colours of a widget's component. They go through the CSSOM, which a strict policy
 * allows, and only known properties are set. */

const COLORS = new Set("prose primary emphasis secondary tertiary success warning danger info discovery".split(" "));
const LENGTHS = /** @type {const} */ (["width", "height", "minWidth", "minHeight", "maxWidth", "maxHeight"]);
const NAMES = ["align", "justify", "textAlign", "weight", "radius"];
const EDGES = /** @type {const} */ ({ top: "BlockStart", right: "InlineEnd", bottom: "BlockEnd", left: "InlineStart" });
const BORDERS = new Map([
  ["default", "var(--line)"],
  ["subtle", "var(--line)"],
  ["strong", "var(--line-strong)"],
]);
const PRIMITIVE = /^(red|orange|yellow|green|blue|purple|pink|gr[ae]y)-(\d{1,4})$/;

/** @param {any} value @param {number} [unit] pixels that a bare number counts */
export const length = (value, unit = 1) => (typeof value === "number" ? `${value * unit}px` : value);

/** A primitive colour such as `red-100` as CSS, made of the page's colours; any other stays as it is.
 * @param {any} value */
function primitive(value) {
  const [, name, level] = PRIMITIVE.exec(value) ?? [];
  if (!name) return value;
  const base = name.startsWith("gr") && name !== "green" ? "var(--soft)" : `var(--chart-${name})`;
  const depth = Math.min(Number(level), 1000);
  if (depth <= 500) return `color-mix(in srgb, ${base} ${8 + (depth / 500) * 92}%, white)`;
  return `color-mix(in srgb, ${base} ${100 - ((depth - 500) / 500) * 75}%, black)`;
}

/**
 * Set a colour: CSS, a primitive, or one for each theme.
 *
 * @param {CSSStyleDeclaration} style
 * @param {"color" | "backgroundColor" | "borderColor"} property no other: CSS of a model may hold an address
 * @param {any} value
 */
export function setColour(style, property, value) {
  if (!value || typeof value !== "object") {
    style[property] = primitive(value);
    return;
  }
  const [light, dark] = [primitive(value.light ?? value.dark), primitive(value.dark ?? value.light)];
  style[property] = light; // for a browser that doesn't know the next
  style[property] = `light-dark(${light}, ${dark})`;
}

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

/** A number, a border, or one for each edge. @param {CSSStyleDeclaration} style @param {any} value */
function setBorder(style, value) {
  const isWhole = typeof value !== "object" || "size" in value;
  const edges = /** @type {any} */ (style);
  for (const [name, edge] of Object.entries(EDGES)) {
    const one = isWhole ? value : (value[name] ?? value[name === "top" || name === "bottom" ? "y" : "x"]);
    if (one === undefined || one === null) continue;
    const { size, style: kind = "solid", color = "default" } = typeof one === "object" ? one : { size: one };
    edges[`border${edge}Width`] = length(Number(size) || 0);
    edges[`border${edge}Style`] = kind;
    edges[`border${edge}Color`] = "var(--line)";
    if (typeof color === "string") edges[`border${edge}Color`] = BORDERS.get(color) ?? primitive(color);
    else edges[`border${edge}Color`] = `light-dark(${primitive(color?.light)}, ${primitive(color?.dark)})`;
  }
}

/**
 * @template {HTMLElement | SVGElement} T
 * @param {T} node
 * @param {any} component
 * @returns {T}
 */
export function style(node, component) {
  const s = node.style;
  const sizes = { ...component };
  for (const [short, names] of /** @type {const} */ ([
    ["size", ["width", "height"]],
    ["minSize", ["minWidth", "minHeight"]],
    ["maxSize", ["maxWidth", "maxHeight"]],
  ])) {
    if (component[short] === undefined || !/^\.?\d/.test(component[short])) continue;
    for (const name of names) sizes[name] ??= component[short];
  }
  for (const name of LENGTHS) if (sizes[name] !== undefined) s[name] = length(sizes[name]);
  for (const name of /** @type {const} */ (["aspectRatio", "flex"]))
    if (component[name] !== undefined) s[name] = component[name];
  if (component.gap !== undefined) s.gap = length(component.gap, 4);
  setSpace(s, "padding", component.padding);
  setSpace(s, "margin", component.margin);
  const { background, color } = component;
  const surface = typeof background === "string" && /^surface(.*ary)?/.exec(background);
  if (surface) s.backgroundColor = `var(--${surface[1] ? "ground" : "raised"})`;
  else if (background) setColour(s, "backgroundColor", background);
  if (COLORS.has(color)) node.dataset.color = color;
  else if (color) setColour(s, "color", color);
  for (const name of NAMES) if (component[name]) node.dataset[name] = component[name];
  if (component.wrap) s.flexWrap = component.wrap;
  if (component.border) setBorder(s, component.border);
  if (typeof component.size === "string" && /^\d?[a-z]+$/.test(component.size)) node.dataset.size = component.size;
  if (component.theme === "light" || component.theme === "dark") node.dataset.theme = component.theme;
  if (component.truncate) node.classList.add("truncate");
  if (component.minLines) s.minHeight = `${Number(component.minLines) * 1.6}em`;
  if (component.maxLines) {
    node.classList.add("clamp");
    s.setProperty("-webkit-line-clamp", component.maxLines);
  }
  return node;
}
