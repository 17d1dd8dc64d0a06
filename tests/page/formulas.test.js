import assert from "node:assert/strict";
import { test } from "node:test";
import { formulaAt, openFormulaAt } from "../../chatstore/static/chatstore/chat/formulas.js";
import { openPage, settle, strings } from "./page.js";

/** The formulas of a text as KaTeX is asked for them, and the rest of its words. */
function read(source) {
  const page = openPage({ load: { katex: null, highlighter: null } });
  const node = page.dom.el("div", {}, page.markdown.markdown(source));
  const formulas = [...node.querySelectorAll("code.formula")].map((formula) => {
    const text = formula.textContent;
    formula.replaceWith("◇");
    return text;
  });
  return { formulas, words: node.textContent.replace(/\s+/g, " ").trim(), html: node.innerHTML };
}

const FOUND = {
  "within a line": [
    String.raw`Let \(a_1 + b_2\) be \(c*d\) or \(e*f\).`,
    [String.raw`\(a_1 + b_2\)`, String.raw`\(c*d\)`, String.raw`\(e*f\)`],
  ],
  "in double dollar signs within a line": ["So $$x < y$$ holds.", ["$$x < y$$"]],
  "a block of brackets": ["\\[\nx = 1\n\\]", ["\\[\nx = 1\n\\]"]],
  "a block of dollar signs": ["$$\nx = 1\n$$\n\nWords", ["$$\nx = 1\n$$"]],
  "a block right after words, with lines that would be a list and a heading": [
    "Then:\n\\[\na\n+ b\n- c\n# d\n\\]\nand so on",
    ["\\[\na\n+ b\n- c\n# d\n\\]"],
  ],
  "several blocks in one paragraph": ["One\n$$a$$\ntwo\n$$b$$\nthree", ["$$a$$", "$$b$$"]],
  "in a list": ["- one\n  \\[\n  x\n  \\]\n- \\(y\\)", ["\\[\nx\n\\]", "\\(y\\)"]],
  "in emphasis": [String.raw`*so \(a*b\) is*`, [String.raw`\(a*b\)`]],
  "in a table": ["| a |\n|---|\n| \\(x\\) |", ["\\(x\\)"]],
};

for (const [where, [source, expected]] of Object.entries(FOUND)) {
  test(`a formula is found ${where}`, () => {
    assert.deepEqual(read(source).formulas, expected);
  });
}

test("emphasis around a formula is emphasis", () => {
  assert.match(read(String.raw`*so \(a*b\) is*`).html, /<em>so ◇ is<\/em>/);
});

const NONE = {
  prices: "It costs $5, or $10 for two; $$ to $$$ elsewhere.",
  "a price range": "$$ – $$$",
  code: "`\\(x\\)` and\n\n```\n\\[\nx\n\\]\n```",
  "escaped brackets": "array\\[0\\] and \\[text\\](https://example.com)",
  "escaped backslashes": "\\\\(x\\\\) and \\\\[1em]",
  "what is not closed": "\\(x and $$y and \\[z",
  "what a blank line ends": "$$x\n\ny$$",
  nothing: "\\(\\) $$ $$ \\[ \\]",
};

for (const [what, source] of Object.entries(NONE)) {
  test(`no formula: ${what}`, () => {
    assert.deepEqual(read(source).formulas, []);
  });
}

test("words around formulas stay as they are", () => {
  assert.equal(read("One\n$$a$$\ntwo \\(b\\) **three**").words, "One ◇two ◇ three");
});

/** What a text looks like once KaTeX is there. */
async function draw(source) {
  const page = openPage();
  const node = page.dom.el("div", {}, page.markdown.markdown(source));
  await settle();
  return node;
}

test("formulas are drawn as MathML, without styles, and without their source as words", async () => {
  const node = await draw(String.raw`Let \(\frac{a}{b}\) be: $$\fbox{x}\colorbox{red}{y}$$`);
  const [inline, block] = node.querySelectorAll("math");
  assert.equal(inline.querySelector("mfrac").textContent, "ab");
  assert.equal(block.getAttribute("display"), "block");
  assert.equal(node.querySelector("[style], [href], annotation, code"), null);
  assert.doesNotMatch(node.textContent, /frac/);
  assert.equal(block.namespaceURI, "http://www.w3.org/1998/Math/MathML");
});

test("nothing in a formula leads elsewhere", async () => {
  const evil = "https://evil.example/";
  const node = await draw(
    String.raw`\(\href{${evil}}{x}\url{${evil}}\) \(\includegraphics{${evil}a.png}\) \(\htmlStyle{color:red}{x}\)`,
  );
  assert.equal(node.querySelector("a, img, [href], [src], [style], mglyph"), null);
});

test("one that can't be drawn stays as it was written, says why, and the others are drawn", async () => {
  const bomb = String.raw`\(\def\a{\b\b\b}\def\b{\c\c\c}\def\c{\d\d\d}\def\d{\e\e\e}\def\e{\f\f\f\f}\def\f{xxxx}\a\a\)`;
  const long = `\\(${"x".repeat(6000)}\\)`;
  const node = await draw([String.raw`\(\frac{a\)`, bomb, `\\(${"{".repeat(2000)}\\)`, long, "\\(z\\)"].join("\n\n"));
  const titles = [...node.querySelectorAll("code.formula")].map(({ title }) => title);
  const { formulaUndrawable: no, formulaTooLong: tooLong } = strings;
  assert.deepEqual(titles, [no, no, no, tooLong]);
  assert.equal(node.querySelector("math").textContent, "z");
});

test("while an answer grows a formula is drawn with its closing sign, in the same frame", async () => {
  const page = openPage();
  page.dom.el("div", {}, page.markdown.markdown("\\(x\\)"));
  await settle(); // KaTeX is there
  const body = new page.AnswerText();
  const grow = (text) => {
    body.text = text;
    body.draw();
    return body.node.querySelectorAll("math").length;
  };
  const text = "Let \\(a\\):\n\\[\nb\n+ c\n\\]\nend";
  const counts = [...text].map((_, n) => grow(text.slice(0, n + 1)));
  const at = (count) => counts.indexOf(count) + 1;
  assert.equal(text.slice(0, at(1)), "Let \\(a\\)");
  assert.equal(text.slice(0, at(2)), "Let \\(a\\):\n\\[\nb\n+ c\n\\]");
  assert.ok(
    counts.every((count, n) => n === 0 || count >= counts[n - 1]),
    counts.join(),
  );
  const whole = new page.AnswerText();
  whole.finish(text);
  body.finish(text);
  assert.equal(body.node.innerHTML, whole.node.innerHTML);
});

test("an answer full of opening signs is too much work, and not looked through", () => {
  for (const sign of ["\\(", "\\[x\n", "*\\( "]) {
    const body = new (openPage().AnswerText)();
    body.finish(sign.repeat(30_000));
    assert.match(body.node.querySelector(".plain").textContent, /too much to format/, sign);
  }
});

test("where a formula ends, and whether its end may yet come", () => {
  assert.equal(formulaAt("\\(x\\) y").raw, "\\(x\\)");
  assert.equal(formulaAt(`\\(${"x".repeat(30_000)}\\)`), undefined);
  assert.equal(openFormulaAt("Words\n$$\nx"), 6);
  assert.equal(openFormulaAt("Words\n$$\nx\n$$"), Infinity);
  assert.equal(openFormulaAt("$$\nx\n\ny"), Infinity);
});
