/** The choice of light or dark; theme.js applies it before the page is drawn. */

const KEY = "chatstore-theme";
const CHOICES = ["light", "dark"];

/** Whether a document is dark now. @param {Document} document */
export function isDark(document) {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {() => Storage} options.storage throws where it is forbidden
 */
export function createThemeSwitch({ dom, storage }) {
  const { document, $ } = dom;
  const { documentElement: root } = document;

  /** @param {string | null} theme */
  function show(theme) {
    if (CHOICES.includes(theme)) root.dataset.theme = theme;
    else delete root.dataset.theme;
    $("theme").value = root.dataset.theme ?? "";
  }

  $("theme").addEventListener("change", () => {
    const { value } = $("theme");
    show(value);
    try {
      if (value) storage().setItem(KEY, value);
      else storage().removeItem(KEY);
    } catch {
      // It holds until the page is left.
    }
  });
  // Another tab of this site.
  document.defaultView.addEventListener("storage", ({ key, newValue }) => {
    if (key === KEY) show(newValue);
  });
  show(root.dataset.theme ?? null);
}
