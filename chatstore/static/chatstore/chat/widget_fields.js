/** The fields of a widget's form, and their values. */

/**
 * The values of all fields below a node; `a.b` names a field within an object.
 *
 * @param {Element} scope
 * @returns {Record<string, any>}
 */
export function valuesOf(scope) {
  // Without a prototype: a field may be named like a property that every other object has.
  const values = Object.create(null);
  for (const field of /** @type {NodeListOf<any>} */ (scope.querySelectorAll("[name]"))) {
    if (field.type === "radio" && !field.checked) continue;
    const path = field.name.split(".");
    let target = values;
    for (const key of path.slice(0, -1)) {
      if (typeof target[key] !== "object") target[key] = Object.create(null);
      target = target[key];
    }
    target[path.at(-1)] = readField(field);
  }
  return values;
}

/** @param {any} field */
function readField(field) {
  if (field.type === "checkbox") return field.checked;
  return field.type === "number" && field.value ? Number(field.value) : field.value;
}

/**
 * How each kind of field is drawn.
 *
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {(item: any, action: any, field: any) => void} options.onChange
 * @returns {Map<string, (component: any, item: any) => HTMLElement>}
 */
export function createFields({ dom, onChange }) {
  const { el } = dom;

  const common = (/** @type {any} */ c, /** @type {any} */ item) => ({
    name: c.name,
    disabled: c.disabled,
    required: c.required,
    onchange: c.onChangeAction && ((/** @type {Event} */ event) => onChange(item, c.onChangeAction, event.target)),
  });
  const label = (/** @type {any} */ c) => ({ "aria-label": c.placeholder ?? c.name });
  const written = (/** @type {any} */ c) => ({ class: "field", placeholder: c.placeholder, dir: "auto", ...label(c) });

  return new Map(
    /** @type {[string, (c: any, item: any) => HTMLElement][]} */ ([
      [
        "Input",
        (c, item) => {
          const own = { type: c.inputType ?? "text", value: c.defaultValue, pattern: c.pattern };
          return el("input", { ...written(c), ...own, ...common(c, item) });
        },
      ],
      [
        "Textarea",
        (c, item) => el("textarea", { ...written(c), rows: c.rows ?? 3, ...common(c, item) }, c.defaultValue ?? ""),
      ],
      [
        "Select",
        (c, item) =>
          el(
            "select",
            { class: "field", ...label(c), ...common(c, item) },
            (c.placeholder || c.clearable) && el("option", { value: "", text: c.placeholder ?? "" }),
            ...c.options.map((/** @type {any} */ o) => {
              const selected = o.value === c.defaultValue;
              return el("option", { value: o.value, text: o.label, disabled: o.disabled, selected });
            }),
          ),
      ],
      [
        "DatePicker",
        (c, item) => {
          const day = (/** @type {string | undefined} */ value) => value?.slice(0, 10);
          const own = { type: "date", value: day(c.defaultValue), min: day(c.min), max: day(c.max) };
          return el("input", { class: "field", ...label(c), ...own, ...common(c, item) });
        },
      ],
      [
        "Checkbox",
        (c, item) =>
          el(
            "label",
            { class: "choice" },
            el("input", { type: "checkbox", checked: c.defaultChecked, value: "on", ...common(c, item) }),
            el("span", { dir: "auto", text: c.label ?? "" }),
          ),
      ],
      [
        "RadioGroup",
        (c, item) =>
          el(
            "div",
            { class: `w-radios w-${c.direction ?? "row"}`, role: "radiogroup", "aria-label": c.ariaLabel ?? c.name },
            ...(c.options ?? []).map((/** @type {any} */ o) => {
              const own = { type: "radio", value: o.value, checked: o.value === c.defaultValue };
              const disabled = c.disabled || o.disabled;
              return el(
                "label",
                { class: "choice" },
                el("input", { ...own, ...common(c, item), disabled }),
                el("span", { dir: "auto", text: o.label }),
              );
            }),
          ),
      ],
    ]),
  );
}
