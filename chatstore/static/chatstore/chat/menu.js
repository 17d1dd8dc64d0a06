/** The menu of a conversation, in the list and above the messages. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {(thread: any) => { isOwn: boolean, isPinned: boolean, listing: string }} options.stateOf
 * @param {boolean} options.mayShare
 * @param {(thread: any, title: string) => Promise<void>} options.onRename
 * @param {(thread: any) => Promise<void>} options.onDelete
 * @param {(thread: any, isPinned: boolean) => void} options.onPin
 * @param {(thread: any, isArchived: boolean) => void} options.onArchive
 * @param {(thread: any) => void} options.onShare
 * @param {(thread: any, format: string) => void} options.onExport
 */
export function createMenu(options) {
  const { dom, text, onRename, onDelete } = options;
  const { $ } = dom;
  const { strings, say } = text;
  const menu = $("menu");
  /** @type {any} the thread that it is about */
  let chosen = null;
  /** @type {HTMLElement | null} */
  let opener = null;
  // A press outside closes the menu before its click arrives: on the menu's own button that is all.
  /** @type {HTMLElement | null} */
  let pressed = null;
  document.addEventListener(
    "pointerdown",
    () => {
      pressed = menu.matches(":popover-open") ? opener : null;
    },
    { capture: true },
  );

  /** @param {HTMLElement} button @param {any} thread */
  function open(button, thread) {
    if (pressed === button) {
      pressed = null;
      return;
    }
    chosen = thread;
    opener = button;
    showEntries();
    menu.showPopover();
    place(button);
    button.setAttribute("aria-expanded", "true");
    menu.addEventListener("toggle", () => button.setAttribute("aria-expanded", "false"), { once: true });
    menu.addEventListener(
      "beforetoggle",
      (/** @type {any} */ event) =>
        event.newState === "closed" && menu.contains(document.activeElement) && button.focus(),
      { once: true },
    );
    entries()[0].focus();
  }

  /** Those that the thread's state allows. */
  function showEntries() {
    const { isOwn, isPinned, listing } = options.stateOf(chosen);
    const isKept = isOwn && listing !== "temporary";
    const shown = {
      pin: isKept && !isPinned,
      unpin: isKept && isPinned,
      archive: isKept && listing !== "archived",
      unarchive: isKept && listing === "archived",
      share: isKept && options.mayShare,
      markdown: isKept,
      json: isKept,
    };
    for (const [name, isShown] of Object.entries(shown)) $(`menu-${name}`).hidden = !isShown;
  }

  const entries = () => /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("button:not([hidden])")]);

  /** Beside a row it ends where the row ends; below the title it begins where its button does.
   * @param {HTMLElement} button */
  function place(button) {
    const { right, left, bottom } = button.getBoundingClientRect();
    const isRightward = (document.documentElement.dir === "rtl") !== (button.id === "thread-menu");
    const wanted = isRightward ? left : right - menu.offsetWidth;
    menu.style.top = `${Math.min(bottom + 4, innerHeight - menu.offsetHeight - 8)}px`;
    menu.style.left = `${Math.max(8, Math.min(wanted, innerWidth - menu.offsetWidth - 8))}px`;
  }

  menu.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Tab") return menu.hidePopover();
    const items = entries();
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return undefined;
    event.preventDefault();
    return items.at((items.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step) % items.length).focus();
  });
  for (const [name, run] of Object.entries({
    pin: () => options.onPin(chosen, true),
    unpin: () => options.onPin(chosen, false),
    archive: () => options.onArchive(chosen, true),
    unarchive: () => options.onArchive(chosen, false),
    share: () => options.onShare(chosen),
    markdown: () => options.onExport(chosen, "markdown"),
    json: () => options.onExport(chosen, "json"),
  })) {
    $(`menu-${name}`).addEventListener("click", () => {
      menu.hidePopover();
      run();
    });
  }
  $("menu-rename").addEventListener("click", () => {
    menu.hidePopover();
    $("new-title").value = chosen.title ?? "";
    $("rename-dialog").showModal();
    $("new-title").select();
  });
  $("menu-delete").addEventListener("click", () => {
    menu.hidePopover();
    $("delete-text").textContent = say("deleteAsk", { title: chosen.title || strings.untitled });
    $("delete-dialog").showModal();
  });
  for (const button of document.querySelectorAll("dialog [data-cancel]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  $("rename-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const title = $("new-title").value.trim();
    if (!title) return;
    $("rename-dialog").close();
    onRename(chosen, title);
  });
  $("delete-form").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    $("delete-dialog").close();
    onDelete(chosen);
  });

  return open;
}
