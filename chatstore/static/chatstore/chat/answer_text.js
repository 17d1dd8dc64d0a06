/**
 * The text of an answer. While it grows, blocks that can't change any more are left alone and only
 * the last one is made anew, at most once a frame and never for more than a third of the time. One
 * that is long is drawn in slices, one that would take too much work is shown as it was written.
 *
 * @typedef {ReturnType<typeof createAnswerText>} AnswerText
 */

const LINK_DEFINITION = /^ {0,3}\[[^\]]+\]:/m; // it changes links that stand before it
const SLICE_LENGTH = 30_000; // of Markdown

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./markdown.js").Markdown} options.markdown
 * @param {import("./limits.js").Budget} options.budget
 * @param {import("./plain_text.js").PlainText} options.plainText
 * @param {(run: () => void) => void} options.nextFrame
 * @param {typeof import("./formulas.js").openFormulaAt} options.openFormulaAt
 */
export function createAnswerText({ dom, markdown, budget, plainText, nextFrame, openFormulaAt }) {
  return class {
    constructor() {
      this.node = dom.el("div", { class: "prose", dir: "auto" });
      this.text = "";
      this.drawn = ""; // the text that is shown to its end
      this.lexed = "";
      /** @type {any[]} blocks of `lexed` that are not settled */
      this.tokens = [];
      this.settled = ""; // the beginning that is drawn for good
      /** @type {ChildNode[]} */
      this.tail = []; // what shows the rest
      this.isWaiting = false;
      /** @type {string | null} */
      this.whyPlain = null;
      this.isUnbounded = false;
    }

    /** More may come. @param {string} text all of it */
    set(text) {
      this.text = text.replaceAll("\r", "");
      this.#wait(nextFrame);
    }

    /** No more will come. @param {string} text @returns {HTMLElement} */
    finish(text) {
      this.text = text.replaceAll("\r", "");
      if (this.settled && LINK_DEFINITION.test(this.text)) this.#clear();
      this.draw();
      return this.node;
    }

    draw() {
      if (this.drawn === this.text) return;
      if (this.whyPlain === null) {
        try {
          const run = this.isUnbounded ? budget.runUnbounded : budget.run;
          run(() => this.#drawBlocks());
          return;
        } catch (error) {
          this.whyPlain = budget.explain(error);
        }
      }
      const plain = plainText.instead(this.text, this.whyPlain, this.isUnbounded ? null : () => this.#open());
      this.node.replaceChildren(plain);
      this.drawn = this.text;
    }

    /** Draw the next slice: all of it, where it isn't long. */
    #drawBlocks() {
      if (!this.text.startsWith(this.settled)) this.#clear();
      if (this.lexed !== this.text) {
        this.tokens = markdown.blocks(this.text.slice(this.settled.length));
        this.lexed = this.text;
      }
      let length = 0;
      let count = 0;
      while (count < this.tokens.length && length < SLICE_LENGTH) length += this.tokens[count++].raw.length;
      const isRest = count === this.tokens.length;
      if (isRest) {
        // The last block may change yet, and so may those that may turn out to be within a formula.
        const open = openFormulaAt(this.text.slice(this.settled.length));
        do length -= this.tokens[--count]?.raw.length ?? 0;
        while (count > 0 && (length > open || ["space", "footnoteList"].includes(this.tokens[count].type)));
      }
      const settled = this.tokens.slice(0, Math.max(count, 0));
      const rest = this.tokens.slice(settled.length);
      const fragment = markdown.drawTokens(settled);
      const tail = isRest ? markdown.drawTokens(rest) : dom.document.createDocumentFragment();
      for (const node of this.tail) node.remove();
      this.tail = [...tail.childNodes];
      this.node.append(fragment, tail);
      this.settled = this.text.slice(0, this.settled.length + settled.reduce(addLength, 0));
      this.tokens = rest;
      if (isRest) this.drawn = this.text;
      else this.#wait(nextFrame);
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

    /** Draw it all the same. */
    #open() {
      this.isUnbounded = true;
      this.whyPlain = null;
      this.#clear();
      this.draw();
    }

    #clear() {
      this.node.replaceChildren();
      this.drawn = "";
      this.lexed = "";
      this.settled = "";
      this.tail = [];
    }
  };
}

const addLength = (/** @type {number} */ sum, /** @type {{ raw: string }} */ { raw }) => sum + raw.length;
