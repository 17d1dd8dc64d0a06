/** What the tests share: a document with the page's texts, and the modules wired as main.js wires them. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { JSDOM } from "jsdom";
import * as addresses from "../../chatstore/static/chatstore/chat/addresses.js";
import { createAnswerText } from "../../chatstore/static/chatstore/chat/answer_text.js";
import { createCodeBlocks } from "../../chatstore/static/chatstore/chat/code_blocks.js";
import { createDiagrams } from "../../chatstore/static/chatstore/chat/diagrams.js";
import { extendTokenizer } from "../../chatstore/static/chatstore/chat/dialect.js";
import { createDom } from "../../chatstore/static/chatstore/chat/dom.js";
import * as footnotes from "../../chatstore/static/chatstore/chat/footnotes.js";
import {
  createFinder,
  createFormulas,
  extendForFormulas,
  formulaExtension,
  openFormulaAt,
} from "../../chatstore/static/chatstore/chat/formulas.js";
import { createLibrary } from "../../chatstore/static/chatstore/chat/library.js";
import { createBudget, limitTokenizer } from "../../chatstore/static/chatstore/chat/limits.js";
import { createMarkdown } from "../../chatstore/static/chatstore/chat/markdown.js";
import { createPlainText } from "../../chatstore/static/chatstore/chat/plain_text.js";
import { createText } from "../../chatstore/static/chatstore/chat/text.js";
import highlighter from "../../chatstore/static/chatstore/vendor/highlight.min.js";
import { Marked, Tokenizer } from "../../chatstore/static/chatstore/vendor/marked.esm.js";
import createDOMPurify from "../../chatstore/static/chatstore/vendor/purify.min.js";

const TEMPLATE = new URL("../../chatstore/templates/chatstore/chat.html", import.meta.url);

/** The template's English texts, by name. */
const template = readFileSync(TEMPLATE, "utf8");
const WITH_COUNT =
  /data-s="(\w+)" data-n.*?{% blocktranslate count count=n %}(.*?){% plural %}(.*?){% endblocktranslate %}/g;
export const strings = Object.fromEntries([
  ...[...template.matchAll(/data-s="(\w+)">{% translate "(.*)" %}</g)].map(([, name, text]) => [name, text]),
  ...[...template.matchAll(WITH_COUNT)].flatMap(([, name, one, many]) => [
    [`${name}:1`, one],
    [`${name}:2`, many],
  ]),
]);

export const BASE = "https://chat.example/chat/";

/** KaTeX and highlight.js as the page loads them. */
export const katex = createRequire(import.meta.url)("../../chatstore/static/chatstore/vendor/katex.min.js");
export const load = { katex: async () => katex, highlighter: async () => highlighter };

/** Wait until what is loaded is drawn. */
export const settle = () => new Promise((done) => setImmediate(done));

/** A fresh document, and what draws Markdown in it. `domains` are allowed_image_domains. */
export function openPage({ domains = [], load: loaded = load } = {}) {
  const { window } = new JSDOM("<!doctype html><body></body>", { url: BASE });
  const dom = createDom(window.document);
  const text = createText(strings, "en");
  const mayShowImage = (address) => addresses.mayShowImage(address, BASE, domains);
  const copyButton = (copied, label) => dom.iconButton("copy", label, () => copied());
  const budget = createBudget(strings);
  const plainText = createPlainText({ dom, strings });
  const frames = [];
  const nextFrame = (tick) => frames.push(tick);
  const finder = createFinder(budget);
  const DOMPurify = createDOMPurify(window);
  const dialect = footnotes.extendForFootnotes(extendTokenizer(limitTokenizer(Tokenizer, budget)));
  const markdown = createMarkdown({
    Marked,
    tokenizer: new (extendForFormulas(dialect, finder))(),
    budget,
    DOMPurify,
    dom,
    strings,
    mayShowImage,
    codeBlock: createCodeBlocks({
      dom,
      strings,
      DOMPurify,
      highlighter: createLibrary(loaded.highlighter, setTimeout),
      diagramButton: createDiagrams({ dom, strings, url: "/diagram/", isDark: () => false }),
      copyButton,
      plainText,
    }),
    formula: createFormulas({ dom, strings, DOMPurify, katex: createLibrary(loaded.katex, setTimeout) }),
    formulaExtension: (renderer) => formulaExtension(finder, renderer),
    footnotes,
    say: text.say,
  });
  const AnswerText = createAnswerText({ dom, markdown, budget, plainText, nextFrame, openFormulaAt });
  const html = (fragment) => dom.el("div", {}, fragment).innerHTML;
  return { window, dom, text, markdown, budget, plainText, AnswerText, frames, mayShowImage, html };
}
