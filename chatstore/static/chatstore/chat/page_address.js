/**
 * The page's own address, which names the conversation that is shown.
 *
 * @typedef {ReturnType<typeof createPageAddress>} PageAddress
 */

/**
 * @param {object} options
 * @param {(id: string | null, messageId?: string | null) => void} options.open a conversation, at a message; null: a new one
 * @param {() => string | null} options.shownId
 * @param {() => void} options.closeDrawer
 */
export function createPageAddress({ open, shownId, closeDrawer }) {
  /** The thread that the address names, or null. */
  function linked() {
    return new URLSearchParams(location.search).get("thread");
  }

  /** The message in it that the address names, or null. */
  function linkedMessage() {
    return new URLSearchParams(location.search).get("message");
  }

  /** @param {string | null} id @param {string | null} [messageId] */
  function addressOf(id, messageId) {
    if (!id) return location.pathname;
    return `?${new URLSearchParams({ thread: id, ...(messageId && { message: messageId }) })}`;
  }

  /** @param {string | null} id */
  function set(id) {
    history.replaceState(null, "", addressOf(id));
  }

  /** Show another conversation, from which Back leads here. @param {string | null} id @param {string} [messageId] */
  function go(id, messageId) {
    history.pushState(null, "", addressOf(id, messageId));
    closeDrawer(); // first: nothing within what it covers can take the focus
    return open(id, messageId);
  }

  /** @param {MouseEvent} event @param {string | null} id @param {string} [messageId] */
  function follow(event, id, messageId) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(id, messageId);
  }

  addEventListener("popstate", () => {
    if (linked() !== shownId() || linkedMessage()) open(linked(), linkedMessage());
  });

  return { linked, linkedMessage, addressOf, set, go, follow };
}
