/** Questions that the assistant asks by a form (structured input), and the answers to them. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {(item: any, input: { status: string, answers: object }) => void} options.onAnswer
 */
export function createQuestions({ dom, strings, onAnswer }) {
  const { el } = dom;

  /** @param {any} item */
  function drawAnswers(item) {
    const pairs = item.inputs.flatMap((/** @type {any} */ input) => [
      el("dt", { dir: "auto", text: input.question }),
      el("dd", { dir: "auto", text: input.answer?.values?.join(", ") || strings.skipped }),
    ]);
    return el("dl", { class: "answers" }, ...pairs);
  }

  /** @param {any} input */
  function drawChoices(input) {
    const type = input.multiple ? "checkbox" : "radio";
    const choices = input.options.map((/** @type {any} */ option) =>
      el(
        "label",
        { class: "choice" },
        el("input", { type, name: input.id, value: option.value }),
        el("span", { dir: "auto", text: option.value }),
      ),
    );
    const other = strings.otherAnswer;
    const field = { class: "field", name: input.id, "data-other": true, placeholder: other, "aria-label": other };
    return [...choices, el("input", { ...field, dir: "auto" })];
  }

  /** @param {any} input */
  function drawFreeText(input) {
    return [
      input.description && el("p", { class: "muted", dir: "auto", text: input.description }),
      el("textarea", { class: "field", name: input.id, rows: 2, "aria-label": input.question, dir: "auto" }),
    ];
  }

  /** @param {any} input @param {any[]} fields those of this question */
  function valuesOf(input, fields) {
    const isChoice = (/** @type {any} */ field) => /radio|checkbox/.test(field.type);
    const written = fields.filter((field) => !isChoice(field)).map((field) => field.value.trim());
    const other = written.filter(Boolean);
    const chosen = fields.filter((field) => isChoice(field) && field.checked).map((field) => field.value);
    return input.multiple ? [...chosen, ...other] : other.length ? other : chosen;
  }

  /** @param {any} item */
  function drawForm(item) {
    const groups = item.inputs.map((/** @type {any} */ input) =>
      el(
        "fieldset",
        {},
        el("legend", { dir: "auto", text: input.question }),
        ...(input.type === "multiple_choice" ? drawChoices(input) : drawFreeText(input)),
      ),
    );
    const submit = (/** @type {string} */ status) => {
      const isSkipped = status === "skipped";
      const answers = item.inputs.map((/** @type {any} */ input) => {
        const fields = [...form.elements].filter((field) => field.name === input.id);
        const values = isSkipped ? [] : valuesOf(input, fields);
        return [input.id, { values, skipped: values.length === 0 }];
      });
      onAnswer(item, { status, answers: Object.fromEntries(answers) });
    };
    const buttons = el(
      "div",
      { class: "buttons" },
      el("button", { class: "button primary", text: strings.submit }),
      el("button", { type: "button", class: "button", text: strings.skip, onclick: () => submit("skipped") }),
    );
    const onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      submit("answered");
    };
    const form = el("form", { class: "card structured", onsubmit }, ...groups, buttons);
    return form;
  }

  /** @param {any} item */
  return (item) => (item.status === "pending" ? drawForm(item) : drawAnswers(item));
}
