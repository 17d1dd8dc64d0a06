/**
 * Blocks of code: the language's name, a button that copies, colours by highlight.js, and diagrams.
 *
 * @typedef {ReturnType<typeof createCodeBlocks>} CodeBlocks
 */

const LONGEST = 10_000; // characters that are coloured
const SLOW_MS = 200; // some grammars take quadratic time for what is no code
const KEPT = 50; // blocks that are coloured already, for the next frame of an answer that grows
const PURIFY = { RETURN_DOM_FRAGMENT: true, ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], ALLOW_DATA_ATTR: false };

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {any} options.DOMPurify
 * @param {import("./library.js").Library} options.highlighter
 * @param {(source: string, block: HTMLElement) => HTMLElement | null} options.diagramButton see diagrams.js
 * @param {(copied: () => string, label: string) => HTMLElement} options.copyButton
 * @param {import("./plain_text.js").PlainText} options.plainText
 */
export function createCodeBlocks(options) {
  const { dom, strings, DOMPurify, highlighter, diagramButton, copyButton, plainText } = options;
  const { el } = dom;
  /** @type {Map<string, DocumentFragment>} */
  const coloured = new Map();
  /** @type {Set<string>} languages */
  const slow = new Set();

  /** @param {any} library @param {string} language @param {string} text @returns {DocumentFragment | null} */
  function coloursOf(library, language, text) {
    const key = `${language} ${text}`;
    if (!coloured.has(key)) {
      if (slow.has(language)) return null;
      if (coloured.size >= KEPT) coloured.delete(coloured.keys().next().value);
      const started = performance.now();
      const { value } = library.highlight(text, { language, ignoreIllegals: true });
      if (performance.now() - started > SLOW_MS) slow.add(language);
      coloured.set(key, DOMPurify.sanitize(value, PURIFY));
    }
    return /** @type {DocumentFragment} */ (coloured.get(key).cloneNode(true));
  }

  /** @param {Element} code @param {HTMLElement} label @param {string} language */
  function colour(code, label, language) {
    const text = code.textContent;
    highlighter(text.length, (library) => {
      const known = library.getLanguage(language);
      if (!known) return;
      label.textContent = known.name.split(",")[0];
      if (text.length > LONGEST) {
        label.textContent += ` · ${strings.codeTooLong}`;
        return;
      }
      const colours = coloursOf(library, language, text);
      if (colours) code.replaceChildren(colours);
    });
  }

  /** Frame the code of a pre. @param {Element} code */
  return (code) => {
    const language = /language-([\w+#.-]+)/.exec(code.className)?.[1] ?? "";
    const isClosed = !code.classList.contains("open");
    const pre = code.parentElement;
    const text = code.textContent;
    const more = plainText.fill(/** @type {HTMLElement} */ (code), text);
    const label = el("span", { text: language });
    const frame = el("div", { class: "code", dir: "ltr" });
    const draw = isClosed && language === "mermaid" && diagramButton(text, frame);
    frame.append(
      el(
        "div",
        { class: "code-bar" },
        label,
        draw,
        copyButton(() => text, strings.copyCode),
      ),
    );
    pre.replaceWith(frame);
    pre.tabIndex = 0;
    frame.append(pre);
    if (more) frame.append(more);
    if (language && language !== "mermaid" && isClosed && !more) colour(code, label, language);
  };
}
