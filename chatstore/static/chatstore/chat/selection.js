/** A button beside text that is selected in an answer, to quote it. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {(text: string) => void} options.onQuote
 */
export function createSelection({ dom, onQuote }) {
  const button = dom.$("quote-selection");

  /** What is selected within a node. @param {Element | null | undefined} node */
  function selectionIn(node) {
    const selection = getSelection();
    if (selection.isCollapsed || !node?.contains(selection.anchorNode) || !node.contains(selection.focusNode))
      return "";
    return selection.toString().trim();
  }

  document.addEventListener("selectionchange", () => {
    const selection = getSelection();
    const answer = selection.anchorNode?.parentElement?.closest(".assistant-message");
    const text = selectionIn(answer);
    button.hidden = !text || dom.$("composer").hidden;
    if (!text) return;
    const { left, top } = selection.getRangeAt(0).getBoundingClientRect();
    button.style.left = `${Math.max(left, 8)}px`;
    button.style.top = `${Math.max(top - 44, 8)}px`;
  });
  button.addEventListener("pointerdown", (/** @type {Event} */ event) => event.preventDefault());
  button.addEventListener("click", () => {
    onQuote(getSelection().toString().trim());
    getSelection().removeAllRanges();
  });

  return {
    selectionIn,
    hide() {
      button.hidden = true;
    },
  };
}
