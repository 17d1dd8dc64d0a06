/**
 * Footnotes in Markdown: `[^name]` in a text, and `[^name]: …` anywhere for what it says.
 *
 * They are numbered as they are first referred to, and listed at the end. They have no ids, which
 * would have to differ in all answers of a page: a number finds its note in the text it stands in.
 *
 * @typedef {{ tokens: any[], number: number }} Note
 */

const REFERENCE = /^\[\^([^\]\s]{1,60})\](?!:)/;
const DEFINITION = /^ {0,3}\[\^([^\]\s]{1,60})\]:[ \t]*/;
const NEXT_DEFINITION = /\n {0,3}\[\^[^\]\s]{1,60}\]:/;
const OTHER_BLOCK = /^ {0,3}(?:[-*+>#|]|\d{1,9}[.)] |`{3}|~{3})/;
const NEAR = 1000; // characters in which the next word is looked for

/** The end of a note that begins there. @param {string} source @param {number} from after its label */
function endOf(source, from) {
  let end = from;
  let isFirst = true;
  while (end < source.length) {
    const next = source.indexOf("\n", end) + 1 || source.length;
    const line = source.slice(end, next);
    const isIndented = /^(?: {2,}|\t)/.test(line);
    if (!isFirst && line.trim() && !isIndented && (DEFINITION.test(line) || OTHER_BLOCK.test(line))) break;
    if (!isFirst && !line.trim() && !/^\n*(?: {2,}|\t)\S/.test(source.slice(next, next + NEAR))) break;
    end = next;
    isFirst = false;
  }
  return end;
}

/** marked's tokenizer as a class in which a note ends a paragraph. @param {any} Tokenizer */
export const extendForFootnotes = (Tokenizer) =>
  class extends Tokenizer {
    paragraph(/** @type {string} */ source) {
      const token = super.paragraph(source);
      const at = token ? token.raw.search(NEXT_DEFINITION) : -1;
      return at > 0 ? super.paragraph(source.slice(0, at + 1)) : token;
    }
  };

/**
 * What marked needs to find footnotes.
 *
 * @param {import("./limits.js").Budget} budget
 */
export function footnoteExtension(budget) {
  /** @param {any} lexer @returns {{ byName: Map<string, Note>, count: number }} */
  const notesOf = (lexer) => {
    lexer.tokens.notes ??= { byName: new Map(), count: 0 };
    return lexer.tokens.notes;
  };

  const definition = {
    name: "footnote",
    level: "block",
    /** @this {any} @param {string} source */
    tokenizer(source) {
      const found = DEFINITION.exec(source);
      if (!found) return undefined;
      const [head, label] = found;
      const raw = source.slice(0, endOf(source, head.length));
      const said = raw.slice(head.length).replace(/\n(?: {1,4}|\t)/g, "\n");
      budget.spend(raw.length);
      const tokens = budget.nested(() => this.lexer.blockTokens(said, []));
      const { byName } = notesOf(this.lexer);
      const name = label.toLowerCase();
      if (!byName.has(name)) byName.set(name, { tokens, number: 0 });
      return { type: "footnote", raw };
    },
    renderer: () => "",
  };

  const reference = {
    name: "footnoteReference",
    level: "inline",
    /** @this {any} @param {string} source */
    tokenizer(source) {
      const found = REFERENCE.exec(source);
      const notes = notesOf(this.lexer);
      const note = found && notes.byName.get(found[1].toLowerCase());
      if (!note) return undefined;
      note.number ||= ++notes.count;
      return { type: "footnoteReference", raw: found[0], number: note.number };
    },
    renderer: (/** @type {any} */ { number }) => `<sup class="note-number">${number}</sup>`,
  };

  const list = {
    name: "footnoteList",
    level: "block",
    tokenizer: () => /** @type {any} */ (undefined),
    /** @this {any} @param {any} token */
    renderer({ notes }) {
      const entries = notes.map((/** @type {Note} */ { tokens }) => `<li>${this.parser.parse(tokens)}</li>`);
      return `<ol class="notes">${entries.join("")}</ol>`;
    },
  };

  return { extensions: [definition, reference, list] };
}

/** Put the list of notes after a text's tokens. @param {any} tokens marked's; of a lexer */
export function withNotes(tokens) {
  const notes = [...(tokens.notes?.byName.values() ?? [])].filter(({ number }) => number);
  notes.sort((one, other) => one.number - other.number);
  if (notes.length) tokens.push({ type: "footnoteList", raw: "", notes });
  return tokens;
}

/**
 * Make numbers and list, as drawn, lead to each other.
 *
 * @param {DocumentFragment} fragment
 * @param {{ dom: import("./dom.js").Dom, say: (key: string, values?: object) => string }} needs
 */
export function joinNotes(fragment, { dom: { el, icon }, say }) {
  /** @param {Element | null | undefined} target @param {Event} event */
  function go(target, event) {
    event.preventDefault(); // not into the page's address
    if (!target) return;
    /** @type {HTMLElement} */ (target).focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest" });
  }
  const textOf = (/** @type {Element} */ node) => node.closest(".prose") ?? node.getRootNode();
  const within = (/** @type {Element} */ node, /** @type {string} */ selector) =>
    /** @type {HTMLElement[]} */ ([.../** @type {any} */ (textOf(node)).querySelectorAll(selector)]);

  for (const sup of fragment.querySelectorAll("sup.note-number")) {
    const n = sup.textContent;
    const link = el("a", {
      href: `#note-${n}`,
      role: "doc-noteref",
      "data-note": n,
      "aria-label": say("footnote", { n }),
      text: n,
      onclick(/** @type {Event} */ event) {
        for (const other of within(link, `a[data-note="${n}"]`)) other.classList.toggle("followed", other === link);
        go(within(link, ".notes > li")[Number(n) - 1], event);
      },
    });
    sup.replaceChildren(link);
  }
  for (const list of fragment.querySelectorAll("ol.notes")) {
    [...list.children].forEach((entry, index) => {
      const n = index + 1;
      const link = el(
        "a",
        {
          href: `#note-${n}-text`,
          role: "doc-backlink",
          class: "note-back",
          "aria-label": say("footnoteBack", { n }),
          onclick(/** @type {Event} */ event) {
            const numbers = within(link, `a[data-note="${n}"]`);
            go(numbers.find((one) => one.classList.contains("followed")) ?? numbers[0], event);
          },
        },
        icon("arrow-up"),
      );
      /** @type {HTMLElement} */ (entry).tabIndex = -1;
      (entry.lastElementChild?.localName === "p" ? entry.lastElementChild : entry).append(" ", link);
    });
    const section = el("section", { class: "footnotes", role: "doc-endnotes", "aria-label": say("footnotes") });
    list.replaceWith(section);
    section.append(list);
  }
}
