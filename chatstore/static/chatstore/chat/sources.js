/**
 * The sources of an answer: small numbers in the text, and a list below it.
 *
 * @typedef {ReturnType<typeof createSources>} Sources
 */

const MARK = 0xe000; // private use: where the n-th annotation stands, until the text is rendered

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {(source: string) => DocumentFragment} options.markdown
 * @param {(address: any) => string | null} options.linkAddress
 * @param {(entity: any) => void} options.onEntity an interactive one is pressed
 */
export function createSources({ dom, text, markdown, linkAddress, onEntity }) {
  const { document, el, icon } = dom;
  const { say } = text;

  /** Text with its annotations as small numbers in their places.
   * @param {{ text: string, annotations?: any[] }} part */
  function annotated(part) {
    const annotations = part.annotations ?? [];
    if (!annotations.length) return markdown(part.text);
    const render = (/** @type {number[][]} */ placed) => {
      let source = part.text;
      for (const [at, n] of placed.sort((a, b) => b[0] - a[0] || b[1] - a[1])) {
        source = source.slice(0, at) + String.fromCharCode(MARK + n) + source.slice(at);
      }
      return markdown(source);
    };
    const wanted = annotations
      .map((annotation, n) => [annotation.index, n])
      .filter(([at]) => Number.isInteger(at) && at >= 0 && at <= part.text.length);
    let fragment = render(wanted);
    // One that fell into a link's address or a tag would break it: those stand at the end.
    const shown = fragment.textContent;
    const kept = wanted.filter(([, n]) => shown.includes(String.fromCharCode(MARK + n)));
    if (kept.length < wanted.length) fragment = render(kept);
    const number = (/** @type {number} */ n) => sourceNumber(annotations[n], n + 1);
    const walker = document.createTreeWalker(fragment, 4 /* NodeFilter.SHOW_TEXT */);
    const nodes = /** @type {Text[]} */ ([]);
    while (walker.nextNode()) nodes.push(/** @type {any} */ (walker.currentNode));
    for (const node of nodes) {
      const pieces = node.data.split(/([\ue000-\uf8ff])/);
      if (pieces.length === 1) continue;
      node.replaceWith(
        ...pieces.map((piece) => {
          const n = piece.length === 1 ? piece.charCodeAt(0) - MARK : -1;
          return n >= 0 && n < annotations.length ? number(n) : piece;
        }),
      );
    }
    const rest = annotations.map((_, n) => n).filter((n) => !kept.some(([, other]) => other === n));
    if (rest.length) (fragment.lastElementChild ?? fragment).append(...rest.map(number));
    return fragment;
  }

  /** @param {any} source */
  function sourceLink(source) {
    const title = source.title || source.filename || source.url;
    const url = source.type === "url" && linkAddress(source.url);
    if (url) return el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow", text: title });
    if (source.type === "entity" && source.interactive) {
      return el("button", { type: "button", class: "link", text: title, onclick: () => onEntity(source) });
    }
    return el("span", { text: title });
  }

  /** @param {{ source: any }} annotation @param {number} n */
  function sourceNumber({ source }, n) {
    const open = (/** @type {any} */ event) => {
      const details = event.target.closest(".item").querySelector(".sources");
      details.open = true;
      const entry = details.querySelectorAll("li")[n - 1];
      entry.querySelector("a, button")?.focus();
      entry.scrollIntoView({ block: "nearest" });
    };
    return el("button", {
      type: "button",
      class: "cite",
      title: source.title,
      "aria-label": say("source", { n, title: source.title }),
      text: source.type === "entity" && source.inline_label ? source.inline_label : String(n),
      onclick: open,
    });
  }

  /** @param {{ source: any }[]} annotations */
  function sourceList(annotations) {
    const entries = annotations.map(({ source }) => {
      const details = [source.attribution, source.filename, source.group, source.timestamp];
      return el(
        "li",
        {},
        sourceLink(source),
        source.description && el("p", { text: source.description }),
        el("small", { text: details.filter(Boolean).join(" · ") }),
      );
    });
    const summary = el("summary", {}, icon("book-open"), say("sources", { n: annotations.length }));
    return el("details", { class: "sources" }, summary, el("ol", {}, ...entries));
  }

  return { annotated, sourceLink, sourceList };
}
