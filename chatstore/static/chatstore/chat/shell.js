/** The page around list and conversation: the drawer of a phone, swipes, Escape, and where the focus goes. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {typeof import("./swipe.js").watchSwipes} options.watchSwipes
 * @param {() => void} options.focusComposer
 * @param {() => void} options.onEscape nothing else wanted it
 * @param {(isOpen: boolean) => void} options.onDrawer
 */
export function createShell({ dom, watchSwipes, focusComposer, onEscape, onDrawer }) {
  const { $ } = dom;
  const phone = matchMedia("(max-width: 50rem)");

  /** On a phone the list of threads lies over the conversation. @param {boolean} isOpen */
  function drawer(isOpen) {
    if ($("chat").classList.contains("drawer-open") !== isOpen) onDrawer(isOpen);
    $("chat").classList.toggle("drawer-open", isOpen);
    $("conversation").inert = isOpen && phone.matches;
    $("threads").inert = !isOpen && phone.matches;
    $("open-threads").setAttribute("aria-expanded", isOpen);
    // On a phone the keyboard would hide the list.
    if (isOpen) (matchMedia("(pointer: fine)").matches ? $("search") : $("close-threads")).focus();
  }

  function closeDrawer() {
    drawer(false);
    $("open-threads").focus();
  }

  phone.addEventListener("change", () => drawer(false));
  $("open-threads").addEventListener("click", () => drawer(true));
  $("scrim").addEventListener("click", () => drawer(false));
  $("close-threads").addEventListener("click", closeDrawer);
  watchSwipes({
    node: $("chat"),
    isRtl: () => dom.document.documentElement.dir === "rtl",
    onSwipe(towards) {
      if (!phone.matches) return;
      const isOpen = $("chat").classList.contains("drawer-open");
      if (towards === "end" && !isOpen) drawer(true);
      if (towards === "start" && isOpen) closeDrawer();
    },
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    if (document.querySelector("dialog[open], :popover-open")) return;
    if ($("chat").classList.contains("drawer-open")) closeDrawer();
    else if (event.target !== $("search")) onEscape();
  });

  /* What has the focus may go: a button once it is pressed, a form once it is answered. The focus would
   * fall to the top of the page; it goes to the message that held it, or to the box. */
  const isThere = (/** @type {Element | null} */ node) => node?.isConnected && !node.closest("[hidden]");
  /** @type {{ target: any, item: HTMLElement | null } | null} */
  let focused = null;
  addEventListener("focusin", (/** @type {any} */ { target }) => {
    focused = { target, item: target.closest(".item") };
  });
  addEventListener("focusout", (/** @type {any} */ { target }) =>
    queueMicrotask(() => {
      if (focused?.target === target && isThere(target)) focused = null;
    }),
  );
  new MutationObserver(() => {
    if (!focused || isThere(focused.target)) return;
    const { item } = focused;
    focused = null;
    if (isThere(item)) item.focus({ preventScroll: true });
    else focusComposer();
  }).observe($("chat"), { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });

  drawer(false);
  return { drawer };
}
