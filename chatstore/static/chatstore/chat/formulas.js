/**
 * Formulas: how they are found in Markdown, and drawn by KaTeX as MathML, which needs no styles.
 *
 * They stand in `\( \)`, `\[ \]` or `$$ $$`. A single dollar sign is money.
 *
 * @typedef {ReturnType<typeof createFormulas>} Formulas
 * @typedef {{ type: "formula", raw: string, tex: string, isDisplay: boolean }} Formula
 */

const CLOSING = new Map([
  ["$$", "$$"],
  ["\\[", "\\]"],
  ["\\(", "\\)"],
]);
const LONGEST = 5000; // characters; a longer one is shown as it was written
const FURTHEST = 10_000; // that its end is looked for
const NEAR = 1000; // so that the rest of a long text isn't looked through for each of its words
const BLANK_LINE = /\n[ \t]*\n/;
const SIGN = /\\[([]|\$\$/g;
const BLOCK_SIGN = /(?<=^|\n) {0,3}(?:\$\$|\\\[)/g;

/** The formula with which a text begins. @param {string} source @returns {Formula | undefined} */
export function formulaAt(source) {
  const sign = source.slice(0, 2);
  const closing = CLOSING.get(sign);
  if (!closing) return undefined;
  const end = source.slice(0, FURTHEST).indexOf(closing, 2);
  if (end < 0) return undefined;
  const tex = source.slice(2, end);
  if (!tex.trim() || BLANK_LINE.test(tex)) return undefined;
  return { type: "formula", raw: source.slice(0, end + 2), tex, isDisplay: sign !== "\\(" };
}

/** One that is a block by itself. @param {string} source @returns {Formula | undefined} */
export function blockFormulaAt(source) {
  const indent = /^ {0,3}(?=\$\$|\\\[)/.exec(source)?.[0];
  const found = indent !== undefined && formulaAt(source.slice(indent.length));
  if (!found) return undefined;
  const length = indent.length + found.raw.length;
  const rest = /^[ \t]*(?:\n|$)/.exec(source.slice(length, length + 100));
  return rest ? { ...found, raw: source.slice(0, length + rest[0].length) } : undefined;
}

/** One within a line. What stands in dollar signs touches them: `$$` may be a price range.
 * @param {string} source @param {string} before the character before it @returns {Formula | undefined} */
export function inlineFormulaAt(source, before) {
  const found = formulaAt(source);
  if (!found) return undefined;
  const after = source[found.raw.length] ?? "";
  if (found.raw[0] === "$" && (/^\s|\s$/.test(found.tex) || before === "$" || after === "$")) return undefined;
  // Brackets that are escaped: array\[0\], \[text\](address)
  if (found.raw[1] === "[" && (/\w/.test(before) || after === "(")) return undefined;
  return found;
}

/** Where a block's formula begins whose end may yet come; Infinity if there is none.
 * @param {string} source */
export function openFormulaAt(source) {
  const from = Math.max(source.length - FURTHEST, source.lastIndexOf("\n\n") + 1);
  let end = from;
  for (const { index } of source.slice(from).matchAll(BLOCK_SIGN)) {
    const at = from + index;
    if (at < end) continue; // a closing sign
    const found = formulaAt(source.slice(at).trimStart());
    if (!found) return at;
    end = at + found.raw.length;
  }
  return Infinity;
}

/** How a formula is looked for within a budget: most of the work is to look for an end that is not there.
 * @param {import("./limits.js").Budget} budget */
export function createFinder(budget) {
  /** @template {any[]} Rest
   * @param {(source: string, ...rest: Rest) => Formula | undefined} find */
  const within =
    (find) =>
    (/** @type {string} */ source, /** @type {Rest} */ ...rest) => {
      if (!/^(?:\\[([]| {0,3}(?:\$\$|\\\[))/.test(source)) return undefined;
      const found = find(source, ...rest);
      budget.spend(found ? found.raw.length : Math.min(source.length, FURTHEST) / 20);
      return found;
    };
  return { block: within(blockFormulaAt), inline: within(inlineFormulaAt) };
}

/**
 * What marked needs to find formulas.
 *
 * @param {ReturnType<typeof createFinder>} find
 * @param {(formula: Formula) => string} renderer
 */
export function formulaExtension(find, renderer) {
  const block = {
    name: "formula",
    level: "block",
    tokenizer: (/** @type {string} */ source) => find.block(source),
    renderer,
  };
  const inline = {
    name: "inlineFormula",
    level: "inline",
    tokenizer(/** @type {string} */ source, /** @type {{ raw: string }[]} */ tokens) {
      // First: to look at the end of a text that grows in pieces takes time.
      if (!/^(?:\\[([]|\$\$)/.test(source)) return undefined;
      const found = find.inline(source, tokens.at(-1)?.raw.at(-1) ?? "");
      return found && { ...found, type: "inlineFormula" };
    },
    renderer,
  };
  return { extensions: [block, inline] };
}

/**
 * marked's tokenizer as a class in which formulas end paragraphs, and are no place for emphasis.
 *
 * @param {any} Tokenizer
 * @param {ReturnType<typeof createFinder>} find
 */
export const extendForFormulas = (Tokenizer, find) =>
  class extends Tokenizer {
    maskedOnce = "";
    maskedFormulas = "";

    paragraph(/** @type {string} */ source) {
      const end = source.search(BLANK_LINE);
      const block = end < 0 ? source : source.slice(0, end);
      for (const { index } of block.matchAll(BLOCK_SIGN)) {
        if (index > 0 && find.block(source.slice(index))) return super.paragraph(source.slice(0, index));
      }
      return super.paragraph(source);
    }

    /** Text ends where a formula may begin, as it does at a backslash. */
    inlineText(/** @type {string} */ source) {
      let at = source.slice(0, NEAR).indexOf("$$", 1);
      const token = at < 0 ? super.inlineText(source) : null;
      if (token) at = token.raw.indexOf("$$", 1);
      return at > 0 ? super.inlineText(source.slice(0, at)) : token;
    }

    emStrong(/** @type {string} */ source, /** @type {string} */ masked, /** @type {string} */ before) {
      if (!/^[*_]/.test(source)) return undefined;
      if (this.maskedOnce !== masked) {
        this.maskedOnce = masked;
        const start = masked.slice(0, -source.length);
        this.maskedFormulas = start + maskFormulas(source, masked.slice(-source.length), find.inline);
      }
      return super.emStrong(source, this.maskedFormulas, before);
    }
  };

/** A text in which letters stand for each formula. @param {string} source
 * @param {string} masked the same, of equal length, without what marked has masked
 * @param {ReturnType<typeof createFinder>["inline"]} find */
function maskFormulas(source, masked, find) {
  let result = "";
  let at = 0;
  for (const { index } of source.matchAll(SIGN)) {
    const found = index >= at && find(source.slice(index), source[index - 1] ?? "");
    if (!found) continue;
    result += masked.slice(at, index) + "a".repeat(found.raw.length);
    at = index + found.raw.length;
  }
  return result + masked.slice(at);
}

const PURIFY = {
  RETURN_DOM_FRAGMENT: true,
  USE_PROFILES: { mathMl: true },
  FORBID_ATTR: ["style", "href", "src"],
  ALLOW_DATA_ATTR: false,
};
const OPTIONS = { output: "mathml", strict: "ignore", trust: false, maxExpand: 200, maxSize: 20 };
const MARK = /[\ue000-\uf8ff]/g; // the place of a citation, which has none in a formula
const KEPT = 200; // formulas that are drawn already, for the next frame of an answer that grows

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {any} options.DOMPurify
 * @param {import("./library.js").Library} options.katex
 */
export function createFormulas({ dom, strings, DOMPurify, katex }) {
  /** @type {Map<string, Element | null>} null: it can't be drawn */
  const drawn = new Map();

  /** @param {any} library @param {string} tex @param {boolean} isDisplay */
  function mathOf(library, tex, isDisplay) {
    const key = `${isDisplay}${tex}`;
    if (!drawn.has(key)) {
      if (drawn.size >= KEPT) drawn.delete(drawn.keys().next().value);
      drawn.set(key, draw(library, tex, isDisplay));
    }
    return drawn.get(key);
  }

  /** @param {any} library @param {string} tex @param {boolean} isDisplay @returns {Element | null} */
  function draw(library, tex, isDisplay) {
    try {
      const html = library.renderToString(tex, { ...OPTIONS, displayMode: isDisplay });
      // A policy may forbid inline styles, and reports each. The source is kept beside the formula.
      const bare = html.replace(/ style="[^"]*"/g, "").replace(/<annotation[\s\S]*?<\/annotation>/g, "");
      return DOMPurify.sanitize(bare, PURIFY).querySelector("math");
    } catch {
      return null; // not TeX that KaTeX knows, or too deep
    }
  }

  /** Draw a formula in the place of its source. @param {HTMLElement} node `code.formula` */
  return (node) => {
    node.textContent = node.textContent.replace(MARK, "");
    const [, sign, tex] = /^(..)([\s\S]*)..$/.exec(node.textContent);
    if (tex.length > LONGEST) {
      node.title = strings.formulaTooLong;
      return;
    }
    const isDisplay = sign !== "\\(";
    katex(tex.length, (library) => {
      const math = mathOf(library, tex, isDisplay);
      if (!math) {
        node.title = strings.formulaUndrawable;
        return;
      }
      const copy = math.cloneNode(true);
      node.replaceWith(
        isDisplay
          ? dom.el("span", { class: "formula", tabindex: 0, role: "group", "aria-label": strings.formula }, copy)
          : copy,
      );
    });
  };
}
