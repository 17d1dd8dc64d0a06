/**
 * The page's own address, which names the conversation that is shown.
 *
 * @typedef {ReturnType<typeof createPageAddress>} PageAddress
 */

/**
 * @param {object} options
 * @param {(id: string | null) => void} options.open a conversation; null: a new one
 * @param {() => string | null} options.shownId
 * @param {() => void} options.closeDrawer
 */
export function createPageAddress({ open, shownId, closeDrawer }) {
  /** The thread that the address names, or null. */
  function linked() {
    return new URLSearchParams(location.search).get("thread");
  }

  /** @param {string | null} id */
  function addressOf(id) {
    return id ? `?thread=${encodeURIComponent(id)}` : location.pathname;
  }

  /** @param {string | null} id */
  function set(id) {
    history.replaceState(null, "", addressOf(id));
  }

  /** Show another conversation, from which Back leads here. @param {string | null} id */
  function go(id) {
    history.pushState(null, "", addressOf(id));
    closeDrawer(); // first: nothing within what it covers can take the focus
    return open(id);
  }

  /** @param {MouseEvent} event @param {string | null} id */
  function follow(event, id) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(id);
  }

  addEventListener("popstate", () => {
    if (linked() !== shownId()) open(linked());
  });

  return { linked, addressOf, set, go, follow };
}
