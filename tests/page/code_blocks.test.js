import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage, settle, strings } from "./page.js";

async function draw(source, page = openPage()) {
  const node = page.dom.el("div", {}, page.markdown.markdown(source));
  page.window.document.body.append(node);
  await settle();
  return node;
}

test("code is coloured, with the language's name, and copied as it was written", async () => {
  const node = await draw("```js\nconst a = '<b>';\n```");
  assert.equal(node.querySelector(".code-bar span").textContent, "JavaScript");
  assert.equal(node.querySelector(".hljs-keyword").textContent, "const");
  assert.equal(node.querySelector("code").textContent, "const a = '<b>';\n");
  assert.equal(node.querySelector("b, [style]"), null);
  assert.ok(node.querySelector("button[aria-label='Copy the code']"));
});

test("code without a language, in one that is unknown, or too long, stays as it is", async () => {
  const long = "let x = 1;\n".repeat(1500);
  for (const [source, label] of [
    ["```\nlet a\n```", ""],
    ["    let a", ""],
    ["```klingon\nlet a\n```", "klingon"],
    ["```constructor\nlet a\n```", "constructor"],
    [`\`\`\`js\n${long}\`\`\``, `JavaScript · ${strings.codeTooLong}`],
  ]) {
    const node = await draw(source);
    assert.equal(node.querySelector("code span"), null, source.slice(0, 30));
    assert.equal(node.querySelector(".code-bar span").textContent, label);
  }
});

test("a block is coloured once it is closed, and not before", async () => {
  const page = openPage();
  await draw("```js\n1\n```", page); // the library is there
  const body = new page.AnswerText();
  const isColoured = (text) => {
    body.text = text;
    body.draw();
    return Boolean(body.node.querySelector("code span"));
  };
  assert.ok(!isColoured("```js\nconst a = 1"));
  assert.ok(!isColoured("```js\nconst a = 1\n``"));
  assert.ok(isColoured("```js\nconst a = 1\n```"));
  assert.ok(isColoured("```js\nconst a = 1\n```\n\nand so on"));
  assert.ok(!isColoured("````js\nconst a = 1\n```"));
});

test("a library that can't be loaded changes nothing, and is asked for once", async (t) => {
  t.mock.method(console, "error", () => {});
  let asked = 0;
  const fails = async () => {
    asked++;
    throw new Error("no network");
  };
  const page = openPage({ load: { katex: fails, highlighter: fails } });
  for (let n = 0; n < 2; n++) {
    const node = await draw("```js\nlet a\n```\n\n\\(x\\)", page);
    assert.equal(node.querySelector("code").textContent, "let a\n");
    assert.equal(node.querySelector("code.formula").textContent, "\\(x\\)");
  }
  assert.equal(asked, 2); // each once
});

test("nothing is loaded for an answer without formulas and code", async () => {
  const fails = () => assert.fail("loaded");
  await draw("It costs $5.\n\n```\nplain\n```", openPage({ load: { katex: fails, highlighter: fails } }));
});

const DIAGRAM = "```mermaid\ngraph TD; A-->B\n```";

test("a diagram is offered to be drawn once its block is closed, and its code stays", async () => {
  const page = openPage();
  const node = await draw(DIAGRAM, page);
  const button = node.querySelector(".code-bar > button");
  assert.equal(button.textContent, "Draw");
  assert.equal(node.querySelector("iframe"), null);
  button.click();
  const frame = node.querySelector("iframe");
  assert.equal(frame.getAttribute("sandbox"), "allow-scripts");
  const says = (data, source = frame.contentWindow) => {
    const event = new page.window.MessageEvent("message", { data, source });
    page.window.dispatchEvent(event);
  };
  says({ height: 50 }, page.window); // somebody else
  assert.ok(button.disabled);
  says({ height: 123456 });
  assert.ok(!button.disabled);
  assert.equal(frame.style.height, "2000px");
  assert.ok(node.querySelector(".as-diagram"));
  assert.equal(button.textContent, "Show the code");
  button.click();
  assert.equal(node.querySelector(".as-diagram"), null);
  assert.equal(node.querySelector("code").textContent, "graph TD; A-->B\n");
  const open = await draw("```mermaid\ngraph TD", page);
  assert.equal(open.querySelector(".code-bar > .button"), null);
});

test("a diagram that is too long, or can't be drawn, says so and leaves the code", async () => {
  const page = openPage();
  const long = await draw(`\`\`\`mermaid\n${"A-->B\n".repeat(5000)}\`\`\``, page);
  assert.match(long.querySelector(".code-bar").textContent, /too long to be drawn/);
  const node = await draw(DIAGRAM, page);
  node.querySelector(".code-bar > button").click();
  const source = node.querySelector("iframe").contentWindow;
  page.window.dispatchEvent(new page.window.MessageEvent("message", { data: { height: 0 }, source }));
  assert.equal(node.querySelector("[role=status]").textContent, strings.diagramUndrawable);
  assert.equal(node.querySelector("iframe, .as-diagram"), null);
  assert.match(node.querySelector("code").textContent, /A-->B/);
});
