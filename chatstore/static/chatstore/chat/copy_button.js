/** Buttons that copy a text, and say so. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {(message: string) => void} options.announce
 * @param {(error: any) => void} options.onError
 */
export function createCopyButton({ dom, strings, announce, onError }) {
  /** @param {() => string} copied @param {string} label */
  return (copied, label) => {
    const button = dom.iconButton("copy", label, async () => {
      try {
        await navigator.clipboard.writeText(copied());
      } catch (error) {
        return onError(error);
      }
      button.replaceChildren(dom.icon("check"));
      announce(strings.copied);
      setTimeout(() => button.replaceChildren(dom.icon("copy")), 1500);
    });
    return button;
  };
}
