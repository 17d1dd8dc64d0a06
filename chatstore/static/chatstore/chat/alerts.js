/**
 * What is said beside the messages: errors, notices, and announcements for screen readers.
 *
 * @typedef {ReturnType<typeof createAlerts>} Alerts
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {(source: string) => DocumentFragment} options.markdown
 * @param {(error: any) => boolean} options.isForPeople whether an error's message is
 * @param {(error: any) => boolean} options.isUnreachable whether it says that the server is away
 * @param {(error: any) => void} options.onError
 */
export function createAlerts({ dom, strings, markdown, isForPeople, isUnreachable, onError }) {
  const { $, el, icon, iconButton } = dom;

  /** @type {Map<HTMLElement, boolean>} alerts that the server is away; whether they are of no use later */
  const unreachable = new Map();

  /** @type {string[]} what is to be read with the next frame */
  let said = [];

  /** @param {string} message */
  function announce(message) {
    // Emptied first, so that a sentence said twice is read twice.
    $("live").textContent = "";
    if (!said.length) {
      requestAnimationFrame(() => {
        $("live").textContent = said.join(" ");
        said = [];
      });
    }
    said = document.hidden ? [message] : [...said, message]; // a hidden page has no frames
  }

  function clear() {
    $("problem").replaceChildren();
  }

  function clearNotices() {
    $("notices").replaceChildren();
  }

  /**
   * @param {any} error
   * @param {(() => void) | null | false} [again] tries again
   * @param {(() => void) | null | false} [back] gives back what was written
   */
  function showError(error, again = null, back = null) {
    if (error?.name === "AbortError") return;
    onError(error);
    if (!isForPeople(error)) console.error(error);
    const message = isForPeople(error) ? error.message : strings.failed;
    const retry = () => {
      alert.remove();
      if (again) again();
    };
    const againButton =
      again && el("button", { type: "button", class: "button", onclick: retry }, icon("reload"), strings.retry);
    if (againButton && error.waitMs) {
      againButton.disabled = true; // it would be refused again until then
      setTimeout(() => {
        againButton.disabled = false;
      }, error.waitMs);
    }
    const buttons = [
      againButton,
      back && el("button", { type: "button", class: "button", text: strings.edit, onclick: back }),
      [401, 403].includes(error.status) && el("a", { class: "button", href: location.href, text: strings.reload }),
    ];
    const close = iconButton("close", strings.dismiss, () => (back ? back() : alert.remove()));
    const words = el("p", { dir: "auto", text: message });
    const alert = el("div", { class: "alert" }, icon("alert"), words, ...buttons, close);
    if (message === strings.unreachable) unreachable.set(alert, isUnreachable(error));
    // One that can be mended stays beside what fails later; the same one is said once.
    for (const old of [...$("problem").children]) if (old.querySelector("p").textContent === message) old.remove();
    $("problem").append(alert);
  }

  /** The server answers again: what said otherwise goes. A message that was not sent, or not answered,
   * is still to be tried again. */
  function serverIsBack() {
    for (const [alert, isOver] of unreachable) {
      if (isOver) alert.remove();
      else alert.querySelector("p").textContent = strings.online;
    }
    unreachable.clear();
  }

  /** @param {{ level: string, title?: string, message: string }} notice */
  function showNotice({ level, title, message }) {
    const body = el(
      "div",
      { dir: "auto" },
      title && el("strong", { text: title }),
      el("div", { class: "prose small" }, markdown(message)),
    );
    const close = iconButton("close", strings.dismiss, () => notice.remove());
    const role = level === "danger" ? "alert" : "status";
    const notice = el(
      "div",
      { class: `notice ${level}`, role },
      icon(level === "info" ? "info" : "alert"),
      body,
      close,
    );
    $("notices").append(notice);
  }

  return { announce, clear, clearNotices, showError, showNotice, serverIsBack };
}
