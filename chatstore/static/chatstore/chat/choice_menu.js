/** A button that opens a menu of which one entry is chosen. */

/**
 * @typedef {{ id: string, label: string, description?: string, icon?: string, disabled?: boolean }} Choice
 *
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {HTMLElement} options.button
 * @param {any} options.menu a popover
 * @param {readonly Choice[]} options.choices
 * @param {(id: string) => void} options.onChoose
 * @returns {(id: string | null) => void} shows which one is chosen
 */
export function createChoiceMenu({ dom, button, menu, choices, onChoose }) {
  const { el, icon } = dom;

  /** @param {Choice} choice */
  function draw({ id, label, description, icon: name, disabled }) {
    const words = el(
      "span",
      { class: "choice-text", dir: "auto" },
      label,
      description && el("small", { text: description }),
    );
    const choose = () => {
      menu.hidePopover();
      button.focus();
      onChoose(id);
    };
    const props = {
      type: "button",
      role: "menuitemradio",
      "aria-checked": "false",
      "data-id": id,
      disabled,
      onclick: choose,
    };
    return el("button", props, name && icon(name), words, icon("check"));
  }

  const entries = () => /** @type {any[]} */ ([...menu.querySelectorAll("button:not(:disabled)")]);

  /** Above its button, within the window. */
  function place() {
    const { left, right, top } = button.getBoundingClientRect();
    const wanted = document.documentElement.dir === "rtl" ? right - menu.offsetWidth : left;
    menu.style.left = `${Math.max(8, Math.min(wanted, innerWidth - menu.offsetWidth - 8))}px`;
    menu.style.top = `${Math.max(8, top - menu.offsetHeight - 4)}px`;
  }

  menu.replaceChildren(...choices.map(draw));
  button.addEventListener("click", () => {
    menu.togglePopover();
  });
  menu.addEventListener("toggle", (/** @type {any} */ event) => {
    const isOpen = event.newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return;
    place();
    (menu.querySelector("[aria-checked=true]:not(:disabled)") ?? entries()[0])?.focus();
  });
  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const all = entries();
    const at = all.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key === "Tab") return menu.hidePopover();
    if (!Object.hasOwn(steps, event.key)) return undefined;
    event.preventDefault();
    return all.at(steps[/** @type {keyof typeof steps} */ (event.key)] % all.length).focus();
  });

  return (id) => {
    for (const entry of menu.children) entry.setAttribute("aria-checked", String(entry.dataset.id === id));
  };
}
