/** Looks what is being written at the caret, `@…` or `/…`, and has suggestions for it shown. */

const PAUSE_MS = 120; // of typing, before the server is asked

/**
 * @typedef {(query: string, start: number) => Promise<import("./suggestions.js").Suggestion[]>} Source
 *
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {typeof import("./mentions.js").queryAt} options.queryAt
 * @param {import("./suggestions.js").Suggestions} options.suggestions
 * @param {Source} options.entities
 * @param {Source | null} options.commands null: there are none
 */
export function createCompletion({ dom, queryAt, suggestions, entities, commands }) {
  const box = dom.$("message");
  let asked = 0;

  /** @returns {{ source: Source, query: string, start: number } | null} */
  function wanted() {
    const { value, selectionStart, selectionEnd } = box;
    if (selectionStart !== selectionEnd) return null;
    const command = commands && queryAt("/", value, selectionStart);
    if (command?.start === 0) return { source: commands, ...command };
    const entity = queryAt("@", value, selectionStart);
    return entity && { source: entities, ...entity };
  }

  async function look() {
    asked += 1;
    const request = asked;
    const found = wanted();
    if (!found) return suggestions.hide();
    suggestions.narrow(found.query); // until the answer comes, Enter must not choose what no longer fits
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (request !== asked) return undefined; // more has been written
    const { source, query, start } = found;
    const all = await source(query, start).catch(() => /** @type {any[]} */ ([])); // what is written stays text
    return request === asked ? suggestions.show(all) : undefined;
  }

  return look;
}
