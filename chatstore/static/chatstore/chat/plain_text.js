/**
 * Long texts in slices, each shown on request: a browser takes seconds to lay out a million lines.
 *
 * @typedef {ReturnType<typeof createPlainText>} PlainText
 */

const SLICE_LINES = 2000;
const SLICE_LENGTH = 100_000;

/** Where a slice that begins there ends. @param {string} text @param {number} from */
export function sliceEnd(text, from) {
  const most = Math.min(text.length, from + SLICE_LENGTH);
  let end = from;
  for (let line = 0; line < SLICE_LINES; line++) {
    const next = text.indexOf("\n", end) + 1;
    if (next === 0 || next > most) break;
    end = next;
    if (line === SLICE_LINES - 1) return end;
  }
  const isSplit = most < text.length && /[\ud800-\udbff]/.test(text[most - 1]); // a character of two units
  return isSplit ? most - 1 : most;
}

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 */
export function createPlainText({ dom, strings }) {
  const { el } = dom;

  /**
   * Put a text into a node, and a button after it while there is more.
   *
   * @param {HTMLElement} node
   * @param {string} text
   */
  function fill(node, text) {
    let shown = sliceEnd(text, 0);
    node.textContent = text.slice(0, shown);
    if (shown === text.length) return null;
    const more = () => {
      const end = sliceEnd(text, shown);
      node.append(text.slice(shown, end));
      shown = end;
      if (shown === text.length) button.remove();
    };
    const button = el("button", { type: "button", class: "button more", text: strings.showMore, onclick: more });
    return button;
  }

  /**
   * A text in place of what can't be drawn: why, the text, and a button that draws it all the same.
   *
   * @param {string} text
   * @param {string} why
   * @param {(() => void) | null} onOpen
   */
  function instead(text, why, onOpen) {
    const words = el("pre", { class: "plain-text", dir: "auto", tabindex: 0 });
    const more = fill(words, text);
    const open =
      onOpen && el("button", { type: "button", class: "button", text: strings.showFormatted, onclick: onOpen });
    return el("div", { class: "plain" }, el("p", { class: "muted" }, why, " ", open), words, more);
  }

  return { fill, instead };
}

/** All words that an item holds, without recursion: it may be nested too deeply for that.
 * @param {any} item */
export function wordsOf(item) {
  const SAID = new Set(["text", "value", "label", "title", "content", "question", "summary", "alt"]);
  const words = [];
  const waiting = [item];
  while (waiting.length) {
    const value = waiting.pop();
    const inner = [];
    for (const [key, one] of Object.entries(value)) {
      if (typeof one === "string" && SAID.has(key)) words.push(one);
      else if (one && typeof one === "object") inner.push(one);
    }
    for (const one of inner.reverse()) waiting.push(one);
  }
  return words.join("\n");
}
