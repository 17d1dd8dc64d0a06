/**
 * A list above the message box, of what can stand where the caret is: entities, or commands. The
 * box keeps the focus.
 *
 * @typedef {ReturnType<typeof createSuggestions>} Suggestions
 * @typedef {{ id: string, label: string, description?: string, icon?: string, group?: string, choose: () => void }} Suggestion
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text["say"]} options.say
 * @param {(message: string) => void} options.announce
 */
export function createSuggestions({ dom, say, announce }) {
  const { $, el, icon } = dom;
  const box = $("message");
  const list = $("suggestions");
  /** @type {readonly Suggestion[]} */
  let found = [];
  let active = 0;

  const options = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=option]")]);

  function mark() {
    options().forEach((option, n) => {
      option.setAttribute("aria-selected", String(n === active));
      if (n === active) option.scrollIntoView({ block: "nearest" });
    });
    if (found.length) box.setAttribute("aria-activedescendant", `suggestion-${active}`);
    else box.removeAttribute("aria-activedescendant");
  }

  /** @param {Suggestion} suggestion @param {number} n */
  function draw({ label, description, icon: name, choose }, n) {
    const words = el(
      "span",
      { class: "choice-text", dir: "auto" },
      label,
      description && el("small", { text: description }),
    );
    const option = el("div", { role: "option", id: `suggestion-${n}`, class: "suggestion" }, name && icon(name), words);
    option.addEventListener("pointerdown", (/** @type {Event} */ event) => event.preventDefault()); // the focus stays
    option.addEventListener("click", () => {
      hide();
      choose();
    });
    return option;
  }

  /** @param {readonly Suggestion[]} suggestions in the order of their groups */
  function show(suggestions) {
    found = suggestions;
    active = 0;
    const groups = new Map();
    suggestions.forEach((one, n) => {
      const group = one.group ?? "";
      if (!groups.has(group))
        groups.set(
          group,
          group ? [el("div", { class: "suggestion-group", role: "presentation", dir: "auto", text: group })] : [],
        );
      groups.get(group).push(draw(one, n));
    });
    list.replaceChildren(...[...groups.values()].flat());
    // In the order in which they stand there.
    found = options().map(({ id }) => suggestions[Number(id.slice("suggestion-".length))]);
    options().forEach((option, n) => {
      option.id = `suggestion-${n}`;
    });
    list.hidden = !found.length;
    mark();
    if (found.length) announce(say("suggestions", { n: found.length }));
  }

  function hide() {
    if (!list.hidden) show([]);
  }

  /** Keep only what is still named so. @param {string} query */
  function narrow(query) {
    const words = query.toLocaleLowerCase();
    const fitting = found.filter(({ label }) => label.toLocaleLowerCase().includes(words));
    if (fitting.length < found.length) show(fitting);
  }

  // Before the box itself hears of the key.
  $("composer").addEventListener(
    "keydown",
    (/** @type {KeyboardEvent} */ event) => {
      if (event.target !== box || list.hidden || event.isComposing || event.keyCode === 229) return;
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const isChoice = (event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey);
      if (!step && !isChoice && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (step) {
        active = (active + step + found.length) % found.length;
        mark();
      } else {
        const { choose } = found[active];
        hide();
        if (isChoice) choose();
      }
    },
    { capture: true },
  );
  box.addEventListener("blur", hide);

  return { show, narrow, hide };
}
