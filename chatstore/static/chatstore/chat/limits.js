/**
 * A bound of the work that drawing one item may take. What would take more is shown as plain text.
 *
 * Work is counted in units of some 0.2 µs, and not in time: what is drawn must not depend on how
 * busy the machine is.
 *
 * @typedef {ReturnType<typeof createBudget>} Budget
 */

const UNITS = 2_000_000;
const DEEPEST = 60; // quotations, lists, components within each other; a stack ends at some 1,000
const PER_CELL = 100; // of a table
const PER_ENTRY = 100; // of a list

export class TooMuchWork extends Error {}

/** @param {Record<string, string>} strings @param {number} [units] */
export function createBudget(strings, units = UNITS) {
  let left = Infinity;
  let isRunning = false;
  let depth = 0;

  /** @template T @param {number} most @param {() => T} draw @returns {T} */
  function within(most, draw) {
    if (isRunning) return draw(); // a part of what is being drawn
    isRunning = true;
    left = most;
    depth = 0;
    try {
      return draw();
    } finally {
      isRunning = false;
      left = Infinity;
    }
  }

  return {
    /** Draw within the bound; throws TooMuchWork. @template T @param {() => T} draw @returns {T} */
    run: (draw) => within(units, draw),
    /** Draw whatever it takes: somebody asked for it. @template T @param {() => T} draw @returns {T} */
    runUnbounded: (draw) => within(Infinity, draw),
    /** @param {number} work in units */
    spend(work) {
      left -= work;
      if (left < 0) throw new TooMuchWork();
    },
    /** Draw what is within something else. @template T @param {() => T} draw @returns {T} */
    nested(draw) {
      if (left !== Infinity && depth >= DEEPEST) throw new TooMuchWork();
      depth++;
      try {
        return draw();
      } finally {
        depth--;
      }
    },
    /** Why something couldn't be drawn. @param {any} error */
    explain(error) {
      if (error instanceof TooMuchWork) return strings.tooComplex;
      if (!(error instanceof RangeError)) console.error(error); // RangeError: nested too deeply
      return strings.undrawable;
    },
  };
}

/**
 * marked's tokenizer as a class that works within a budget. It counts what can take more than linear time: cells that a
 * short row is filled up with, blocks within blocks, and asterisks that nothing closes.
 *
 * @param {any} Tokenizer marked's
 * @param {Budget} budget
 */
export const limitTokenizer = (Tokenizer, budget) =>
  class extends Tokenizer {
    blockquote(/** @type {string} */ source) {
      const token = budget.nested(() => super.blockquote(source));
      if (token) budget.spend(token.raw.length);
      return token;
    }

    list(/** @type {string} */ source) {
      const token = budget.nested(() => super.list(source));
      if (token) budget.spend(token.raw.length + token.items.length * PER_ENTRY);
      return token;
    }

    table(/** @type {string} */ source) {
      const found = this.rules.block.table.exec(source);
      if (!found) return undefined;
      const [, head, , rows = ""] = found;
      budget.spend(head.split("|").length * (rows.split("\n").length + 1) * PER_CELL);
      return super.table(source);
    }

    emStrong(/** @type {string} */ source, /** @type {string} */ masked, /** @type {string} */ before) {
      const token = super.emStrong(source, masked, before);
      if (token) budget.spend(token.raw.length);
      else if (/^[*_]+[\p{L}\p{N}]/u.test(source)) budget.spend(source.length);
      else if (/^[*_]/.test(source)) budget.spend(source.length / 10);
      return token;
    }
  };
