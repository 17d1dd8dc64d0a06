/**
 * The signs in the list of the conversations that are being answered.
 *
 * @typedef {ReturnType<typeof createAnsweringMarks>} AnsweringMarks
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {(ids: string[]) => void} options.onUnknown a conversation that the list doesn't have
 * @param {(ids: string[]) => void} options.onEnded
 */
export function createAnsweringMarks({ dom, strings, onUnknown, onEnded }) {
  const { $, el } = dom;
  /** @type {Set<string>} */
  let marked = new Set();

  /** @param {Set<string>} ids */
  function set(ids) {
    const before = marked;
    marked = ids;
    draw();
    const begun = [...ids].filter((id) => !before.has(id));
    const ended = [...before].filter((id) => !ids.has(id));
    if (begun.length) onUnknown(begun);
    if (ended.length) onEnded(ended);
  }

  function draw() {
    for (const row of $("thread-list").querySelectorAll("li")) {
      const sign = row.querySelector(".row-answering");
      if (!marked.has(row.dataset.id)) sign?.remove();
      else if (!sign) row.querySelector(".row-title").append(mark());
    }
  }

  const mark = () =>
    el("span", { class: "row-answering" }, el("span", { class: "visually-hidden", text: strings.beingAnswered }));

  return { set, draw };
}
