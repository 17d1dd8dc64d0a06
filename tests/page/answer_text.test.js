import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

/** Show a text that grows by these pieces, a frame after each; give what is shown at the end. */
function grow(page, pieces) {
  const body = new page.AnswerText();
  let text = "";
  for (const piece of pieces) {
    text += piece;
    body.set(text);
    for (const tick of page.frames.splice(0)) tick();
    body.isWaiting = false; // whatever a frame has cost
  }
  return body.finish(text).innerHTML;
}

const whole = (page, source) => page.html(page.markdown.markdown(source));

test("a text that grows looks at its end as if it had been there at once", () => {
  const page = openPage();
  const source =
    "# Title\n\nA *word* and `code`.\n\n- one\n- two\n\n  more\n\n> quoted\n\n```js\nlet a;\n\nlet b;\n```\n\n" +
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n1. x\n2. y\n\nEnd";
  for (const size of [1, 2, 7, 50]) {
    const pieces = source.match(new RegExp(`[^]{1,${size}}`, "g"));
    assert.equal(grow(page, pieces), whole(page, source), `in pieces of ${size}`);
  }
});

test("what can't change any more stays the same element while a text grows", () => {
  const body = new (openPage().AnswerText)();
  body.finish("First.\n\nSecond");
  const [first, second] = body.node.querySelectorAll("p");
  body.finish("First.\n\nSecond paragraph.");
  assert.equal(body.node.querySelectorAll("p")[0], first);
  assert.notEqual(body.node.querySelectorAll("p")[1], second);
  assert.equal(body.node.textContent.trim(), "First.\nSecond paragraph.");
});

test("a text that turns out to begin otherwise is made anew", () => {
  const page = openPage();
  const body = new page.AnswerText();
  body.finish("First.\n\nSecond.");
  body.finish("Other.\n\nSecond.");
  assert.equal(body.node.innerHTML, whole(page, "Other.\n\nSecond."));
});

test("a definition at the end of a text makes links at its beginning", () => {
  const page = openPage();
  const source = "See [a].\n\nMore.\n\n[a]: https://example.com";
  assert.equal(grow(page, source.split(/(?<=\n)/)), whole(page, source));
  assert.ok(whole(page, source).includes("example.com"));
});

test("a long text is drawn in slices, a frame each, and is complete", () => {
  const page = openPage();
  const source = Array.from({ length: 80 }, (_, n) => `Paragraph ${n}: ${"words ".repeat(200)}`).join("\n\n");
  const body = new page.AnswerText();
  body.finish(source);
  const shown = [body.node.childElementCount];
  while (page.frames.length) {
    page.frames.shift()();
    body.isWaiting = page.frames.length > 0;
    shown.push(body.node.childElementCount);
  }
  assert.ok(shown[0] < 40 && shown.length > 2, shown.join());
  assert.equal(body.node.childElementCount, 80);
  assert.equal(body.node.innerHTML, whole(page, source));
});

const TABLE = `${"|a".repeat(2000)}|\n${"|-".repeat(2000)}|\n${"a\n".repeat(6000)}`;
const TOO_MUCH = {
  "a table that fills up to millions of cells": TABLE,
  "three thousand quotations": "> ".repeat(3000),
  "hundreds of lists in each other": Array.from({ length: 400 }, (_, n) => `${" ".repeat(n * 2)}- a`).join("\n"),
  "emphasis that nothing closes": "**a ".repeat(10_000) + "*b".repeat(10),
  "a hundred thousand entries": "- a\n".repeat(100_000),
};

for (const [what, source] of Object.entries(TOO_MUCH)) {
  test(`${what}: shown as plain text with a word why, and a button`, () => {
    const body = new (openPage().AnswerText)();
    body.finish(source);
    const [why, words] = body.node.querySelector(".plain").children;
    assert.match(why.textContent, /too much to format.*Show it formatted$/);
    assert.ok(source.startsWith(words.textContent) && words.textContent.length > 500);
  });
}

test("the button draws it all the same, or says that this can't be", () => {
  const page = openPage();
  const body = new page.AnswerText();
  body.finish(`${"> ".repeat(100)}words`);
  body.node.querySelector(".plain .muted button").click();
  assert.equal(body.node.querySelectorAll("blockquote").length, 100);
  const deep = new page.AnswerText();
  deep.finish("> ".repeat(20_000));
  deep.node.querySelector(".plain .muted button").click();
  assert.equal(
    deep.node.querySelector(".plain .muted").textContent.trim(),
    "This can’t be formatted, so it is shown as plain text.",
  );
  assert.equal(deep.node.querySelector(".muted button"), null);
});

test("what is written after it is not affected", () => {
  const page = openPage();
  new page.AnswerText().finish(TABLE);
  const body = new page.AnswerText();
  body.finish("*fine*");
  assert.ok(body.node.querySelector("em"));
});

test("a text that becomes too much while it grows goes on as plain text", () => {
  const page = openPage();
  const html = grow(page, ["Words. ", "> ".repeat(3000), "\n\n", "> ".repeat(3000), "end"]);
  assert.match(html, /too much to format/);
  assert.ok(html.includes("end</pre>"));
});

test("ordinary long answers are not too much", () => {
  const page = openPage();
  const row = `| ${Array.from({ length: 8 }, (_, n) => `cell *${n}*`).join(" | ")} |\n`;
  const answers = [
    `| a | b | c | d | e | f | g | h |\n|---|---|---|---|---|---|---|---|\n${row.repeat(1000)}`,
    "A **bold** word, `code` and a [link](https://example.com). ".repeat(100).concat("\n\n").repeat(40),
    "1. one\n   - two\n     - three\n".repeat(1000),
  ];
  // Without the elements, which jsdom takes seconds for.
  for (const source of answers) assert.ok(page.budget.run(() => page.markdown.blocks(source)));
});

test("code is shown in slices, and copied whole", () => {
  const page = openPage();
  const body = new page.AnswerText();
  const code = "let x = 1;\n".repeat(5000);
  body.finish(`\`\`\`js\n${code}\`\`\``);
  const shown = () => body.node.querySelector("code").textContent;
  const more = () => body.node.querySelector("button.more");
  assert.equal(shown().split("\n").length, 2001);
  more().click();
  more().click();
  assert.equal(shown(), code);
  assert.equal(more(), null);
});
