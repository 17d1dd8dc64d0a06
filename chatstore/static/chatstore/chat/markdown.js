/**
 * Markdown as elements. HTML that is written in it is shown as the text that it is, and nothing
 * reaches the page but through DOMPurify.
 *
 * @typedef {ReturnType<typeof createMarkdown>} Markdown
 */

const INLINE_TAG = /^<\/?(br|sub|sup|kbd|mark|u|b|i|em|strong|small)\s*\/?>$/i;

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

const BLOCKS = "p, h3, h4, h5, h6, ul, ol, blockquote, th, td";

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHTML = (/** @type {string} */ value) => value.replace(/[&<>"']/g, (c) => ENTITIES[c]);

/** Whether the end of a block of code may yet come. @param {string} raw */
function isOpen(raw) {
  const fence = /^ {0,3}(`{3,}|~{3,})/.exec(raw)?.[1];
  return Boolean(fence) && !new RegExp(`\\n {0,3}${fence[0]}{${fence.length},}[ \\t]*\\n*$`).test(raw);
}

/**
 * @param {object} options
 * @param {any} options.Marked
 * @param {any} options.tokenizer see limits.js
 * @param {import("./limits.js").Budget} options.budget
 * @param {any} options.DOMPurify
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {(address: string) => boolean} options.mayShowImage
 * @param {import("./code_blocks.js").CodeBlocks} options.codeBlock
 * @param {import("./formulas.js").Formulas} options.formula
 * @param {(renderer: (formula: { raw: string }) => string) => any} options.formulaExtension
 * @param {typeof import("./footnotes.js")} options.footnotes
 * @param {(key: string, values?: object) => string} options.say
 */
export function createMarkdown(options) {
  const { Marked, DOMPurify, budget, dom, strings, mayShowImage, footnotes } = options;
  const { el } = dom;

  const marked = new Marked({
    gfm: true,
    renderer: {
      // Whether it is closed: code is coloured once there is all of it.
      code(/** @type {any} */ { raw, text, lang }) {
        const language = escapeHTML((lang ?? "").match(/^\S*/)[0]);
        const classes = [language && `language-${language}`, isOpen(raw) && "open"].filter(Boolean).join(" ");
        return `<pre><code class="${classes}">${escapeHTML(text)}\n</code></pre>\n`;
      },
      html: (/** @type {any} */ { text }) => (INLINE_TAG.test(text.trim()) ? text : escapeHTML(text)),
      image: (/** @type {any} */ { href, text }) =>
        mayShowImage(href)
          ? `<img src="${escapeHTML(href)}" alt="${escapeHTML(text)}" loading="lazy">`
          : `<a href="${escapeHTML(href)}">${escapeHTML(text || href)}</a>`,
    },
  });
  marked.use(options.formulaExtension(({ raw }) => `<code class="formula">${escapeHTML(raw.trim())}</code>`));
  marked.use(footnotes.footnoteExtension(budget));
  marked.setOptions({ tokenizer: options.tokenizer });

  /** What scrolls sideways by itself, by keyboard too. @param {...Node} tables */
  function scrolling(...tables) {
    return el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": strings.table }, ...tables);
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
    // Each in the direction of its own words: an answer may have two languages.
    for (const block of fragment.querySelectorAll(BLOCKS)) /** @type {HTMLElement} */ (block).dir = "auto";
    for (const box of fragment.querySelectorAll("input")) {
      box.disabled = true;
      // What it is about follows it: a screen reader would say it twice.
      box.setAttribute("aria-label", strings.task);
    }
    footnotes.joinNotes(fragment, { dom, say: options.say });
    for (const code of fragment.querySelectorAll("pre > code")) options.codeBlock(code);
    for (const formula of fragment.querySelectorAll("code.formula")) {
      options.formula(/** @type {HTMLElement} */ (formula));
    }
    return fragment;
  }

  /** @param {any[]} tokens */
  const drawTokens = (tokens) => decorate(DOMPurify.sanitize(marked.parser(tokens), PURIFY));

  /** @param {string} source @returns {any[]} marked's tokens of its blocks */
  function blocks(source) {
    budget.spend(source.length / 4);
    return footnotes.withNotes(marked.lexer(source));
  }

  /** @param {string} source @returns {DocumentFragment} */
  const markdown = (source) => budget.run(() => drawTokens(blocks(source)));

  return { markdown, blocks, drawTokens, scrolling };
}
