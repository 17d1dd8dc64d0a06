/**
 * Widgets: ChatKit's tree of components as elements.
 *
 * @typedef {ReturnType<typeof createWidgets>} Widgets
 * @typedef {(component: any, item: any) => Element} Draw
 */

const PER_COMPONENT = 200; // units of work; see limits.js
const PER_OPTION = 100;
const MOST_SPANNED = 100; // rows or columns

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
 * @param {Draw} options.chart
 * @param {(item: any, config: any, payload: any) => void} options.onAction `config` is ChatKit's ActionConfig
 */
export function createWidgets(options) {
  const { dom, text, markdown, scrolling, budget, styles, fields, mayShowImage, onAction } = options;
  const { el, icon } = dom;
  const { strings } = text;

  const { style } = styles;

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
    said &&
    el(
      "p",
      { class: "w-status" },
      said.icon && icon(said.icon),
      mayShowImage(said.favicon) && el("img", { class: said.frame ? "framed" : "", src: said.favicon, alt: "" }),
      said.text,
    );

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
    const node = el("div", { class: "card widget-list" }, status(c), ...rows, rest.length > 0 && more);
    return style(node, { theme: c.theme });
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
    const classes = ["w-image", c.frame && "framed", c.flush && "flush"].filter(Boolean).join(" ");
    const node = el("img", { class: classes, src: c.src, alt: c.alt ?? "", loading: "lazy", "data-fit": c.fit });
    if (c.position) node.style.objectPosition = c.position;
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
    for (const name of ["color", "size", "variant", "iconSize"]) if (c[name]) node.dataset[name] = c[name];
    node.classList.toggle("pill", Boolean(c.pill));
    node.classList.toggle("uniform", Boolean(c.uniform));
    return node;
  }

  /** @type {Draw} */
  function table(c, item) {
    const rows = childrenOf(c);
    const heads = rows.findIndex(({ header }) => !header);
    const draw = (/** @type {any[]} */ some) => some.map((row) => component(row, item));
    const count = heads < 0 ? rows.length : heads;
    return scrolling(
      el(
        "table",
        { class: "w-table" },
        count > 0 && el("thead", {}, ...draw(rows.slice(0, count))),
        el("tbody", {}, ...draw(rows.slice(count))),
      ),
    );
  }

  /** @type {Draw} */
  const tableRow = (c, item) =>
    el("tr", {}, ...childrenOf(c).map((child) => component({ ...child, isHead: Boolean(c.header) }, item)));

  /** @type {Draw} */
  function tableCell(c, item) {
    const span = (/** @type {any} */ count) => (count > 1 ? Math.min(Math.floor(count), MOST_SPANNED) : null);
    const node = el(
      c.isHead ? "th" : "td",
      { scope: c.isHead ? "col" : null, colspan: span(c.colSpan), rowspan: span(c.rowSpan), dir: "auto" },
      ...drawChildren(c, item),
    );
    if (c.align) node.dataset.textAlign = c.align;
    if (c.vAlign) node.dataset.valign = c.vAlign;
    if (c.colSize) node.dataset.col = c.colSize;
    return style(node, { width: c.width, padding: c.padding });
  }

  /** @type {Draw} */
  function divider(c) {
    const node = style(el("hr", { class: `w-divider ${c.flush ? "flush" : ""}` }), {});
    if (c.size !== undefined) node.style.borderBlockStartWidth = styles.length(c.size);
    if (c.spacing !== undefined) node.style.setProperty("margin-block", styles.length(c.spacing, 4), "important");
    const named = { default: "var(--line)", subtle: "var(--line)", strong: "var(--line-strong)" };
    if (typeof c.color === "string" && Object.hasOwn(named, c.color)) {
      node.style.borderColor = named[/** @type {keyof typeof named} */ (c.color)];
    } else if (c.color) styles.setColour(node.style, "borderColor", c.color);
    return node;
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
        const node = el("span", { class: `badge ${c.variant ?? "soft"}`, "data-size": c.size, text: c.label });
        node.classList.toggle("square", c.pill === false);
        return style(node, { color: c.color ?? "secondary" });
      },
    ],
    ["Divider", divider],
    ["Spacer", (c) => style(el("span", { class: "w-spacer" }), { minSize: c.minSize })],
    ["Icon", (c) => style(icon(c.name), c)],
    ["Image", image],
    ["Button", pushButton],
    ["Label", (c) => style(el("label", { class: "w-label", "data-for": c.fieldName, text: c.value, dir: "auto" }), c)],
    ["Chart", options.chart],
    ["Table", table],
    ["Table.Row", tableRow],
    ["Table.Cell", tableCell],
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
    budget.spend(PER_COMPONENT + (c.options?.length ?? 0) * PER_OPTION);
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
