/**
 * Markdown as elements. HTML that is written in it is shown as the text that it is, and nothing
 * reaches the page but through DOMPurify.
 *
 * @typedef {ReturnType<typeof createMarkdown>} Markdown
 */

const INLINE_TAG = /^<\/?(br|sub|sup|kbd|mark|u|b|i|em|strong|small)\s*\/?>$/i;
const LINK_DEFINITION = /^ {0,3}\[[^\]]+\]:/m; // it changes links that stand before it

const PURIFY = {
  RETURN_DOM_FRAGMENT: true,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_TAGS: (
    "a p br hr h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong b i u del sub sup kbd mark small " +
    "table thead tbody tr th td img input"
  ).split(" "),
  ALLOWED_ATTR: ["href", "src", "alt", "title", "class", "align", "start", "type", "checked", "disabled", "loading"],
};

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHTML = (/** @type {string} */ value) => value.replace(/[&<>"']/g, (c) => ENTITIES[c]);

/**
 * @param {object} options
 * @param {any} options.Marked
 * @param {any} options.DOMPurify
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {(copied: () => string, label: string) => HTMLElement} options.copyButton
 * @param {(address: string) => boolean} options.mayShowImage
 */
export function createMarkdown({ Marked, DOMPurify, dom, strings, copyButton, mayShowImage }) {
  const { el } = dom;

  const marked = new Marked({
    gfm: true,
    renderer: {
      html: (/** @type {any} */ { text }) => (INLINE_TAG.test(text.trim()) ? text : escapeHTML(text)),
      image: (/** @type {any} */ { href, text }) =>
        mayShowImage(href)
          ? `<img src="${escapeHTML(href)}" alt="${escapeHTML(text)}" loading="lazy">`
          : `<a href="${escapeHTML(href)}">${escapeHTML(text || href)}</a>`,
    },
  });

  /** What scrolls sideways by itself, by keyboard too. @param {...Node} tables */
  function scrolling(...tables) {
    return el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": strings.table }, ...tables);
  }

  /** @param {Element} code of a pre */
  function codeFrame(code) {
    const language = /language-([\w+#.-]+)/.exec(code.className)?.[1] ?? "";
    const pre = code.parentElement;
    const bar = el(
      "div",
      { class: "code-bar" },
      el("span", { text: language }),
      copyButton(() => code.textContent, strings.copyCode),
    );
    const frame = el("div", { class: "code", dir: "ltr" }, bar);
    pre.replaceWith(frame);
    pre.tabIndex = 0;
    frame.append(pre);
  }

  /** @param {DocumentFragment} fragment */
  function decorate(fragment) {
    for (const link of fragment.querySelectorAll("a")) {
      link.target = "_blank";
      link.rel = "noopener noreferrer nofollow";
    }
    for (const table of fragment.querySelectorAll("table")) {
      const frame = scrolling();
      table.replaceWith(frame);
      frame.append(table);
    }
    for (const heading of fragment.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
      // The page's own headings are h1 and h2: an answer's begin below them.
      const level = Math.min(Number(heading.localName[1]) + 2, 6);
      heading.replaceWith(el(`h${level}`, { class: heading.localName }, ...heading.childNodes));
    }
    for (const box of fragment.querySelectorAll("input")) {
      box.disabled = true;
      box.setAttribute("aria-label", strings.task);
    }
    for (const code of fragment.querySelectorAll("pre > code")) codeFrame(code);
    return fragment;
  }

  /** @param {any[]} tokens */
  const drawTokens = (tokens) => decorate(DOMPurify.sanitize(marked.parser(tokens), PURIFY));

  /** @param {string} source @returns {DocumentFragment} */
  const markdown = (source) => drawTokens(marked.lexer(source));

  /** A text that grows. Blocks that can't change any more are left alone and only the last one is
   * made anew, at most once a frame and never for more than a third of the time. */
  class GrowingText {
    /** @param {HTMLElement} node where it is shown */
    constructor(node) {
      this.node = node;
      this.text = "";
      this.settled = ""; // the beginning that is drawn for good
      /** @type {ChildNode[]} */
      this.tail = []; // what shows the rest
      this.drawn = "";
      this.isWaiting = false;
    }

    /** @param {string} text all of it */
    set(text) {
      this.text = text.replaceAll("\r", "");
      this.#wait((tick) => requestAnimationFrame(tick));
    }

    /** Draw what is missing at once; false where it must be made from the beginning: a definition at
     * the end of a text changes the links before it. @param {string} text */
    finish(text) {
      this.text = text.replaceAll("\r", "");
      if (LINK_DEFINITION.test(this.text)) return false;
      this.draw();
      return true;
    }

    /** @param {(tick: () => void) => void} schedule */
    #wait(schedule) {
      if (this.isWaiting) return;
      this.isWaiting = true;
      schedule(() => {
        this.isWaiting = false;
        const started = performance.now();
        this.draw();
        const cost = performance.now() - started;
        if (cost > 8) this.#wait((tick) => setTimeout(tick, cost * 2));
      });
    }

    draw() {
      if (this.drawn === this.text) return;
      if (!this.text.startsWith(this.settled)) this.#clear();
      this.drawn = this.text;
      const tokens = marked.lexer(this.text.slice(this.settled.length));
      let last = tokens.length - 1;
      while (last > 0 && tokens[last].type === "space") last--;
      const settled = tokens.slice(0, Math.max(last, 0));
      for (const node of this.tail) node.remove();
      if (settled.length) {
        const length = settled.reduce((/** @type {number} */ sum, /** @type {any} */ { raw }) => sum + raw.length, 0);
        this.settled = this.text.slice(0, this.settled.length + length);
        this.node.append(drawTokens(settled));
      }
      const fragment = drawTokens(tokens.slice(settled.length));
      this.tail = [...fragment.childNodes];
      this.node.append(fragment);
    }

    #clear() {
      this.node.replaceChildren();
      this.settled = "";
      this.tail = [];
    }
  }

  return { markdown, scrolling, GrowingText };
}
