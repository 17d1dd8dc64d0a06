import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const draw = (source) => {
  const page = openPage();
  const node = page.dom.el("div", { class: "prose" }, page.markdown.markdown(source));
  page.window.document.body.append(node);
  page.window.Element.prototype.scrollIntoView = () => {};
  return { node, document: page.window.document, page };
};
const texts = (node, selector) => [...node.querySelectorAll(selector)].map((one) => one.textContent.trim());

test("footnotes are numbered as they are referred to, and listed at the end", () => {
  const { node } = draw("One[^b] and two[^A].\n\n[^a]: The *first*.\n[^b]: The second,\nin two lines.\n\nMore[^b].");
  assert.deepEqual(texts(node, "sup"), ["1", "2", "1"]);
  assert.deepEqual(texts(node, ".footnotes li"), ["The second,\nin two lines.", "The first."]);
  assert.ok(node.querySelector(".footnotes em"));
  assert.ok(node.lastElementChild.matches("section[role=doc-endnotes]"));
  assert.equal(node.querySelector("[id]"), null);
});

test("a number leads to its note and back, without changing the address", () => {
  const { node, document } = draw("One[^x], again[^x].\n\n[^x]: Said.");
  const [first, second] = node.querySelectorAll("sup a");
  assert.equal(first.getAttribute("aria-label"), "Footnote 1");
  const press = new document.defaultView.MouseEvent("click", { bubbles: true, cancelable: true });
  assert.equal(second.dispatchEvent(press), false);
  assert.equal(document.activeElement, node.querySelector(".notes li"));
  node.querySelector(".note-back").click();
  assert.equal(document.activeElement, second);
});

test("a number finds the note of its own text", () => {
  const page = openPage();
  page.window.Element.prototype.scrollIntoView = () => {};
  const nodes = ["a[^1]\n\n[^1]: A", "b[^1]\n\n[^1]: B"].map((source) =>
    page.dom.el("div", { class: "prose" }, page.markdown.markdown(source)),
  );
  page.window.document.body.append(...nodes);
  nodes[1].querySelector("sup a").click();
  assert.match(page.window.document.activeElement.textContent, /B/);
});

test("what has no note stays as it was written; a note without a number is not shown", () => {
  const { node } = draw("One[^missing] `[^x]` [^ y]\n\n[^x]: unused\n\n[link](/a)");
  assert.equal(texts(node, "p")[0], "One[^missing] [^x] [^ y]");
  assert.equal(node.querySelector(".footnotes, sup"), null);
  assert.ok(node.querySelector("a[href='/a']"));
});

test("notes may be named like properties of every object, and hold blocks", () => {
  const { node } = draw(
    "a[^__proto__] b[^constructor]\n\n[^__proto__]: P\n\n    second paragraph\n\n[^constructor]: C\n- list",
  );
  assert.deepEqual(texts(node, ".notes > li"), ["P\nsecond paragraph", "C"]);
  assert.equal(node.querySelectorAll(".notes p").length, 3);
  assert.ok(node.querySelector(".prose > ul"));
});

test("a note ends a paragraph, and HTML in it is text", () => {
  const { node } = draw('word[^1]\n[^1]: <img src=x onerror=alert(1)> <sup class="note-number">7</sup>');
  assert.equal(node.querySelector("img, [onerror]"), null);
  assert.deepEqual(texts(node, "sup a"), ["1"]);
});

test("an answer that has grown has its footnotes at the end, however it was cut", () => {
  const { page } = draw("");
  const source = "One[^1].\n\nTwo[^2].\n\n[^1]: A\n\n[^2]: B\n\nLast words.";
  const text = new page.AnswerText();
  for (let end = 1; end <= source.length; end += 7) {
    text.set(source.slice(0, end));
    for (const tick of page.frames.splice(0)) tick();
  }
  const node = text.finish(source);
  assert.deepEqual(texts(node, "sup"), ["1", "2"]);
  assert.deepEqual(texts(node, ".notes li"), ["A", "B"]);
  assert.equal(node.querySelectorAll(".footnotes").length, 1);
  assert.ok(node.lastElementChild.matches(".footnotes"));
});

test("the last paragraph of a growing answer stays one, though notes are listed after it", () => {
  const { page } = draw("");
  const text = new page.AnswerText();
  for (const source of ["One[^1].\n\n[^1]: A\n\nLast", "One[^1].\n\n[^1]: A\n\nLast words."]) {
    text.set(source);
    text.draw();
  }
  assert.ok(texts(text.node, "p").includes("Last words."), text.node.innerHTML);
});

test("twenty thousand characters of footnotes are read, whatever they look like", () => {
  const { page } = draw("");
  for (const piece of ["[^a]: b\n", "[^a]:\n\n", "x[^a]\n[^a]: b\n", "[^", "[^a]: c\n\n    d\n\n"]) {
    page.markdown.blocks(piece.repeat(20_000 / piece.length));
  }
});

test("task lists have a box each, whether their entries are close or apart", () => {
  const { node } = draw("- [x] done\n- [ ] open\n\nbetween\n\n- [ ] one\n\n- [x] two");
  assert.deepEqual(
    [...node.querySelectorAll("li input")].map(({ checked, disabled }) => [checked, disabled]),
    [
      [true, true],
      [false, true],
      [false, true],
      [true, true],
    ],
  );
});
