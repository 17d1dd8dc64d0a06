/**
 * Thumbs. The protocol has no way to ask for feedback once given: this browser remembers its own.
 */

const KEY = "chatstore.feedback";
const MOST_KEPT = 2000;

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {() => Storage} options.storage it may be forbidden to ask for it
 * @param {(item: any, kind: string) => Promise<any>} options.send
 * @param {(message: string) => void} options.announce
 * @param {(error: unknown) => void} options.onError
 */
export function createFeedback({ dom, strings, storage, send, announce, onError }) {
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
    };
    const button = dom.iconButton(kind === "positive" ? "thumb-up" : "thumb-down", strings[kind], press);
    button.classList.add("thumb");
    button.setAttribute("aria-pressed", String(new Map(remembered()).get(item.id) === kind));
    return button;
  }

  return (/** @type {any} */ item) => [thumb(item, "positive"), thumb(item, "negative")];
}
