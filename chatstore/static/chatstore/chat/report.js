/** Reports a message to the moderators: a dialog asks for the reason. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {{ Refused: typeof import("./protocol.js").Refused, Unreachable: typeof import("./protocol.js").Unreachable }} options.errors
 * @param {string} options.url
 * @param {string} options.csrfToken
 * @param {typeof globalThis.fetch} options.fetch
 * @param {(message: string) => void} options.announce
 * @param {(error: unknown) => void} options.onError
 */
export function createReport({ dom, strings, errors, url, csrfToken, fetch, announce, onError }) {
  const { $ } = dom;
  const dialog = $("report-dialog");
  /** @type {any} the item that it is about */
  let chosen = null;
  /** @type {any} */
  let opener = null;

  /** @param {object} report */
  async function send(report) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrfToken };
    const body = JSON.stringify(report);
    /** @type {Response} */
    let response;
    try {
      response = await fetch(url, { method: "POST", credentials: "same-origin", headers, body });
    } catch {
      throw new errors.Unreachable(strings.unreachable);
    }
    if (response.ok) return;
    const answer = await response.json().catch(() => {});
    throw new errors.Refused(answer?.error ?? strings.failed, response.status, response.headers.get("Retry-After"));
  }

  $("report-form").addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    const reason = new FormData($("report-form")).get("reason");
    const words = $("report-words").value;
    const button = opener;
    dialog.close();
    try {
      await send({ thread_id: chosen.thread_id, item_id: chosen.id, reason, words });
    } catch (error) {
      return onError(error);
    }
    button.setAttribute("aria-pressed", "true");
    announce(strings.reported);
    return undefined;
  });

  /** Ask for the reason. @param {any} item @param {HTMLElement} button that was pressed */
  return (item, button) => {
    chosen = item;
    opener = button;
    $("report-form").reset();
    dialog.showModal();
  };
}
