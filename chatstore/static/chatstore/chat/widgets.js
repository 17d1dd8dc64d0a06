/**
 * Widgets: ChatKit's tree of components as elements.
 *
 * @typedef {ReturnType<typeof createWidgets>} Widgets
 * @typedef {(component: any, item: any) => Element} Draw
 */

const PER_COMPONENT = 200; // units of work; see limits.js
const PER_CELL = 100;

/** @param {any} component @returns {any[]} */
export const childrenOf = (component) => [component.children ?? []].flat();

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {(source: string) => DocumentFragment} options.markdown
 * @param {(...tables: Node[]) => HTMLElement} options.scrolling
 * @param {import("./limits.js").Budget} options.budget
 * @param {typeof import("./widget_style.js")} options.styles
 * @param {typeof import("./widget_fields.js")} options.fields
 * @param {(address: any) => boolean} options.mayShowImage
 * @param {() => boolean} options.isDark
 * @param {(item: any, config: any, payload: any) => void} options.onAction `config` is ChatKit's ActionConfig
 */
export function createWidgets(options) {
  const { dom, text, markdown, scrolling, budget, styles, fields, mayShowImage, isDark, onAction } = options;
  const { el, icon } = dom;
  const { strings } = text;

  /** @template {HTMLElement | SVGElement} T @param {T} node @param {any} c */
  const style = (node, c) => styles.style(node, c, isDark());

  /** Do what a component says, with the values of its form, if they are valid.
   * @param {any} item @param {any} config @param {Element} [scope] @param {object} [extra] */
  function act(item, config, scope, extra) {
    const form = scope?.closest("form");
    const isValid = (/** @type {any} */ field) => field.reportValidity();
    if (form && ![...form.querySelectorAll("[name]")].every(isValid)) return;
    const values = form ? fields.valuesOf(form) : {};
    onAction(item, config, form || extra ? { ...config.payload, ...values, ...extra } : config.payload);
  }

  const drawChildren = (/** @type {any} */ c, /** @type {any} */ item) =>
    childrenOf(c).map((child) => component(child, item));

  /** @param {string} direction @returns {Draw} */
  const box = (direction) => (c, item) =>
    style(el("div", { class: `w-box w-${c.direction ?? direction}` }, ...drawChildren(c, item)), c);

  /** @param {string} tag @param {string} name @returns {Draw} */
  const words = (tag, name) => (c) => style(el(tag, { class: name, dir: "auto", text: c.value }), c);

  /** @param {any} item @param {any} action @param {HTMLElement} node */
  function form(item, action, node) {
    const onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (action) act(item, action, frame);
    };
    const frame = el("form", { class: node.className, onsubmit }, ...node.childNodes);
    return frame;
  }

  const status = (/** @type {any} */ { status: said }) =>
    said && el("p", { class: "w-status" }, said.icon && icon(said.icon), said.text);

  /** @type {Draw} */
  function card(c, item) {
    const button = (/** @type {any} */ config, /** @type {string} */ kind, isSubmit = false) =>
      config &&
      el("button", {
        type: isSubmit ? "submit" : "button",
        class: `button ${kind}`,
        text: config.label,
        onclick: !isSubmit && (() => act(item, config.action)),
      });
    const { size, ...rest } = c;
    const buttons = [button(c.cancel, ""), button(c.confirm, "primary", c.asForm)];
    const body = el(
      "div",
      { class: "card widget-card" },
      status(c),
      ...(c.collapsed ? [] : drawChildren(c, item)),
      (c.confirm || c.cancel) && el("div", { class: "buttons" }, ...buttons),
    );
    const node = style(c.asForm ? form(item, c.confirm?.action, body) : body, rest);
    if (size) node.dataset.card = size;
    return node;
  }

  /** @type {Draw} */
  function listView(c, item) {
    const limit = c.limit === "auto" ? 6 : (c.limit ?? Infinity);
    const rows = drawChildren(c, item);
    const rest = /** @type {HTMLElement[]} */ (rows.slice(limit));
    for (const row of rest) row.hidden = true;
    const showAll = () => {
      for (const row of rest) row.hidden = false;
      more.remove();
    };
    const more = el("button", { type: "button", class: "button", text: strings.showMore, onclick: showAll });
    return el("div", { class: "card widget-list" }, status(c), ...rows, rest.length > 0 && more);
  }

  /** @type {Draw} */
  function listViewItem(c, item) {
    const inside = drawChildren(c, item);
    const onclick = c.onClickAction && (() => act(item, c.onClickAction));
    const node = onclick
      ? el("button", { type: "button", class: "w-item", onclick }, ...inside)
      : el("div", { class: "w-item" }, ...inside);
    return style(node, c);
  }

  /** @type {Draw} */
  function paragraph(c, item) {
    if (c.editable) return component({ ...c.editable, type: "Input", defaultValue: c.value }, item);
    const node = words("p", "w-text")(c, item);
    node.classList.toggle("italic", Boolean(c.italic));
    node.classList.toggle("struck", Boolean(c.lineThrough));
    return node;
  }

  /** @type {Draw} */
  function image(c) {
    if (!mayShowImage(c.src)) return el("span", { class: "muted", text: c.alt ?? "" });
    const node = el("img", { class: "w-image", src: c.src, alt: c.alt ?? "", loading: "lazy", "data-fit": c.fit });
    return style(node, c);
  }

  /** @type {Draw} */
  function pushButton(c, item) {
    const kind = c.style === "primary" || c.variant === "solid" || (c.submit && !c.style) ? "primary" : "";
    const node = el(
      "button",
      {
        type: c.submit ? "submit" : "button",
        class: `button ${kind} ${c.block ? "block" : ""}`,
        disabled: c.disabled,
        "aria-label": c.label ? null : c.iconStart,
        onclick: c.onClickAction && ((/** @type {any} */ event) => act(item, c.onClickAction, event.target)),
      },
      c.iconStart && icon(c.iconStart),
      c.label,
      c.iconEnd && icon(c.iconEnd),
    );
    if (c.color) node.dataset.color = c.color;
    return node;
  }

  /** A chart is shown as its numbers: every screen and every reader can show those. @type {Draw} */
  function chart(c) {
    const key = typeof c.xAxis === "string" ? c.xAxis : c.xAxis?.dataKey;
    const labels = c.xAxis?.labels ?? {};
    const value = (/** @type {any} */ row, /** @type {any} */ series) => Number(row[series.dataKey]) || 0;
    budget.spend(c.data.length * c.series.length * PER_CELL);
    let highest = 1;
    for (const row of c.data) for (const series of c.series) highest = Math.max(highest, value(row, series));
    const cell = (/** @type {any} */ row, /** @type {any} */ series) => {
      const bar = el("progress", { max: highest, value: value(row, series), "aria-hidden": "true" });
      return el("td", {}, bar, text.number(value(row, series)));
    };
    const heads = c.series.map((/** @type {any} */ series) =>
      el("th", { scope: "col", text: series.label ?? series.dataKey }),
    );
    const rows = c.data.map((/** @type {any} */ row) => {
      const name = Object.hasOwn(labels, row[key]) ? labels[row[key]] : row[key];
      const cells = c.series.map((/** @type {any} */ series) => cell(row, series));
      return el("tr", {}, el("th", { scope: "row", text: name }), ...cells);
    });
    const head = el("thead", {}, el("tr", {}, el("td"), ...heads));
    return scrolling(el("table", { class: "w-chart" }, head, el("tbody", {}, ...rows)));
  }

  /** @type {Map<string, Draw>} a map: a type may be named like a property that every object has */
  const draws = new Map([
    ["Basic", box("col")],
    ["Box", box("col")],
    ["Col", box("col")],
    ["Row", box("row")],
    ["Transition", box("col")],
    ["Form", (c, item) => style(form(item, c.onSubmitAction, /** @type {any} */ (box("col")(c, item))), c)],
    ["Card", card],
    ["ListView", listView],
    ["ListViewItem", listViewItem],
    ["Text", paragraph],
    ["Title", words("h3", "w-title")],
    ["Caption", words("p", "w-caption")],
    ["Markdown", (c) => el("div", { class: "prose", dir: "auto" }, markdown(c.value))],
    [
      "Badge",
      (c) => {
        const node = el("span", { class: `badge ${c.variant ?? "soft"}`, text: c.label });
        return style(node, { color: c.color ?? "secondary" });
      },
    ],
    ["Divider", () => el("hr", { class: "w-divider" })],
    ["Spacer", () => el("span", { class: "w-spacer" })],
    ["Icon", (c) => style(icon(c.name), c)],
    ["Image", image],
    ["Button", pushButton],
    ["Label", (c) => style(el("label", { class: "w-label", "data-for": c.fieldName, text: c.value, dir: "auto" }), c)],
    ["Chart", chart],
    ...fields.createFields({
      dom,
      onChange(item, action, field) {
        const value = field.type === "checkbox" ? field.checked : field.value;
        act(item, action, field, { [field.name]: value });
      },
    }),
  ]);

  /** Components that this page doesn't know are shown as the text that they hold. @type {Draw} */
  function unknown(c, item) {
    const said = [c.label, c.title, c.value, c.text].filter((value) => typeof value === "string");
    const paragraphs = said.map((value) => el("p", { dir: "auto", text: value }));
    return el("div", { class: "w-unknown" }, ...paragraphs, ...drawChildren(c, item));
  }

  /** @type {Draw} */
  function component(c, item) {
    budget.spend(PER_COMPONENT + (c.options?.length ?? 0) * PER_CELL);
    return budget.nested(() => (draws.get(c.type) ?? unknown)(c, item));
  }

  /** @param {any} item @returns {HTMLElement} */
  return function drawWidget(item) {
    const node = el("div", { class: "widget" }, component(item.widget, item));
    const fieldsInside = [...node.querySelectorAll("[name]")].reverse(); // the first of a name counts
    const named = new Map(fieldsInside.map((/** @type {any} */ field) => [field.getAttribute("name"), field]));
    node.querySelectorAll("[data-for]").forEach((/** @type {any} */ label, /** @type {number} */ n) => {
      const field = named.get(label.dataset.for);
      if (!field) return;
      field.id ||= `${item.id}-${n}`;
      label.htmlFor = field.id;
      field.removeAttribute("aria-label");
    });
    return node;
  };
}
