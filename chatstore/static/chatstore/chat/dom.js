/**
 * Elements: how they are made, and the icons.
 *
 * @typedef {ReturnType<typeof createDom>} Dom
 * @typedef {Node | string | false | null | undefined} Child
 */

/** @param {Document} document */
export function createDom(document) {
  /** @param {string} id @returns {any} */
  const $ = (id) => document.getElementById(id);

  /**
   * Make an element. A property `on…` is a listener, `class` and `text` are what they say, any
   * other is an attribute; one that is undefined, null or false is left out, as such children are.
   *
   * @param {string} tag
   * @param {Record<string, any>} [props]
   * @param {...Child} children
   * @returns {any}
   */
  function el(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (value === undefined || value === null || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "class") node.className = value;
      else if (name === "text") node.textContent = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children) if (child !== undefined && child !== null && child !== false) node.append(child);
    return node;
  }

  /**
   * Make an element of a drawing; see el. Its properties are attributes.
   *
   * @param {string} tag
   * @param {Record<string, any>} [attributes]
   * @param {...Child} children
   * @returns {SVGElement}
   */
  function svg(tag, attributes = {}, ...children) {
    const node = /** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag));
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    for (const child of children) if (child !== undefined && child !== null && child !== false) node.append(child);
    return node;
  }

  /** @param {string} [name] one of icons.html, or of the set that it names; any other is a dot */
  function icon(name) {
    const own = String(name ?? "").replace(/^(lucide|vendor):/, "");
    const isKnown = own && document.getElementById(`icon-${own}`);
    const use = svg("use", { href: `#icon-${isKnown ? own : "dot"}` });
    return svg("svg", { class: "icon", "aria-hidden": "true" }, use);
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {(event: MouseEvent) => void} onclick
   * @param {Record<string, any>} [props]
   */
  function iconButton(name, label, onclick, props = {}) {
    return el(
      "button",
      { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props },
      icon(name),
    );
  }

  return { document, $, el, svg, icon, iconButton };
}
