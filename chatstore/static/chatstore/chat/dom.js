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

  /** @param {string} [name] one of icons.html; any other is a dot */
  function icon(name) {
    const make = (/** @type {string} */ tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    const svg = make("svg");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    const use = make("use");
    const isKnown = name && document.getElementById(`icon-${name}`);
    use.setAttribute("href", `#icon-${isKnown ? name : "dot"}`);
    svg.append(use);
    return svg;
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

  return { document, $, el, icon, iconButton };
}
