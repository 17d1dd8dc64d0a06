/**
 * Thumbs. The protocol has no way to ask for feedback once given: this browser remembers its own.
 */

const KEY = "chatstore.feedback";
const MOST_KEPT = 2000;
const LONGEST_COMMENT = 1000; // characters that the server takes

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {() => Storage} options.storage it may be forbidden to ask for it
 * @param {(item: any, kind: string) => Promise<any>} options.send
 * @param {((item: any, comment: string) => Promise<any>) | null} options.comment null where the server keeps none
 * @param {(message: string) => void} options.announce
 * @param {(error: unknown) => void} options.onError
 */
export function createFeedback({ dom, strings, storage, send, comment, announce, onError }) {
  const { el } = dom;

  /** @returns {[string, string][]} by item id, oldest first */
  function remembered() {
    try {
      return Object.entries(JSON.parse(storage().getItem(KEY)) ?? {});
    } catch {
      return []; // storage is forbidden, or somebody else's
    }
  }

  /** @param {string} id @param {string} kind */
  function remember(id, kind) {
    const all = [...remembered().filter(([other]) => other !== id), [id, kind]].slice(-MOST_KEPT);
    try {
      storage().setItem(KEY, JSON.stringify(Object.fromEntries(all)));
    } catch {
      // No room, or storage is forbidden: the server has it.
    }
  }

  /** @param {any} item @param {"positive" | "negative"} kind */
  function thumb(item, kind) {
    const press = async () => {
      try {
        await send(item, kind);
      } catch (error) {
        return onError(error);
      }
      remember(item.id, kind);
      for (const other of button.parentElement.querySelectorAll(".thumb")) {
        other.setAttribute("aria-pressed", other === button);
      }
      announce(strings.thanks);
      const actions = button.parentElement;
      actions.parentElement.querySelector(".comment-form")?.remove();
      if (kind === "negative" && comment) askWhy(item, actions);
    };
    const button = dom.iconButton(kind === "positive" ? "thumb-up" : "thumb-down", strings[kind], press);
    button.classList.add("thumb");
    button.setAttribute("aria-pressed", String(new Map(remembered()).get(item.id) === kind));
    return button;
  }

  /** Ask what is wrong with an answer; one need not say it. @param {any} item @param {HTMLElement} actions */
  function askWhy(item, actions) {
    const id = `comment-${item.id}`;
    const box = el("textarea", { class: "field", id, rows: 2, maxlength: LONGEST_COMMENT, dir: "auto" });
    const close = () => {
      form.remove();
      /** @type {HTMLElement} */ (actions.querySelector(".thumb[aria-pressed=true]"))?.focus();
    };
    const form = el(
      "form",
      { class: "comment-form" },
      el("label", { class: "muted", for: id, text: strings.whatIsWrong }),
      box,
      el(
        "div",
        { class: "buttons" },
        el("button", { type: "button", class: "button", text: strings.skip, onclick: close }),
        el("button", { class: "button primary", text: strings.sendComment }),
      ),
    );
    form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape" || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      close();
    });
    form.addEventListener("submit", async (/** @type {Event} */ event) => {
      event.preventDefault();
      const said = box.value.trim();
      if (!said) return close();
      try {
        await comment(item, said);
      } catch (error) {
        return onError(error);
      }
      close();
      return announce(strings.thanks);
    });
    actions.after(form);
    box.focus();
  }

  return (/** @type {any} */ item) => [thumb(item, "positive"), thumb(item, "negative")];
}
