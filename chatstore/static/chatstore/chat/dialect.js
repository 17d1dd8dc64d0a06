/**
 * Where this page reads Markdown otherwise than GitHub does, because of what models write:
 *
 * - Languages without spaces put punctuation inside asterisks and a letter right after them, which
 *   the standard's rules for emphasis don't allow for.
 * - An address ends at full-width punctuation.
 * - Only two tildes strike: one is "about", or a range.
 */

const LETTER = String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]`;
const LETTER_BEFORE = new RegExp(`${LETTER}$`, "u");
const LETTER_FIRST = new RegExp(`^${LETTER}`, "u");
const EMPHASIS = /^(\*\*?)(?![\s*])([^*\n]+?)(?<!\s)\1(?!\*)/;
const PUNCTUATION_FIRST = /^[\p{P}\p{S}]/u;
const PUNCTUATION_LAST = /[\p{P}\p{S}]$/u;
const END_OF_ADDRESS = /[\u2018-\u201d\u2026\u3000-\u303f\uff01-\uff0f\uff1a-\uff1f\uff3b-\uff40\uff5b-\uff65]/;

/** @param {any} Tokenizer marked's, or one that extends it */
export const extendTokenizer = (Tokenizer) =>
  class extends Tokenizer {
    emStrong(/** @type {string} */ source, /** @type {string} */ masked, /** @type {string} */ before = "") {
      const found = EMPHASIS.exec(source);
      if (found) {
        const [raw, mark, text] = found;
        const opens = PUNCTUATION_FIRST.test(text) && LETTER_BEFORE.test(before);
        const closes = PUNCTUATION_LAST.test(text) && LETTER_FIRST.test(source.slice(raw.length));
        if (opens || closes) {
          const type = mark === "**" ? "strong" : "em";
          return { type, raw, text, tokens: this.lexer.inlineTokens(text) };
        }
      }
      return super.emStrong(source, masked, before);
    }

    url(/** @type {string} */ source) {
      const end = source.search(END_OF_ADDRESS);
      return super.url(end < 0 ? source : source.slice(0, end));
    }

    del(/** @type {string} */ source, /** @type {string[]} */ ...rest) {
      return source.startsWith("~~") ? super.del(source, ...rest) : undefined;
    }
  };
