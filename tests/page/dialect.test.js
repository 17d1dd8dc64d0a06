import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const page = openPage();
const html = (source) => page.html(page.markdown.markdown(source)).trim();
const bold = (source) =>
  [...page.dom.el("div", {}, page.markdown.markdown(source)).querySelectorAll("strong, em")].map(
    (node) => node.textContent,
  );

test("what stands between asterisks is bold where punctuation meets a letter", () => {
  assert.deepEqual(bold("**历经10年发展，**年"), ["历经10年发展，"]);
  assert.deepEqual(bold("**중요(Important)**합니다"), ["중요(Important)"]);
  assert.deepEqual(bold("他说**“你好”**了，**第二、**也"), ["“你好”", "第二、"]);
  assert.deepEqual(bold("これは*（重要）*です"), ["（重要）"]);
  assert.deepEqual(bold("**`code`。**是"), ["code。"]);
});

test("elsewhere the standard's rules hold", () => {
  assert.deepEqual(bold("a**b(c)**d and ** no ** and 2*3*4"), ["3"]);
  assert.deepEqual(bold("**one** *two* **thr*ee*e**"), ["one", "two", "threee", "ee"]);
  assert.deepEqual(bold("**年** 2*3"), ["年"]);
});

test("an address ends at full-width punctuation", () => {
  for (const [source, href] of [
    ["见 https://example.com/a。谢谢", "https://example.com/a"],
    ["（https://example.com/a）和", "https://example.com/a"],
    ["https://example.com/日本語、次", "https://example.com/日本語"],
    ["www.example.com，好", "http://www.example.com"],
    ["https://example.com/a.", "https://example.com/a"],
  ]) {
    const link = page.dom.el("div", {}, page.markdown.markdown(source)).querySelector("a");
    assert.equal(decodeURI(link.getAttribute("href")), href, source);
  }
  assert.ok(html("https://example.com/a。谢谢").endsWith("</a>。谢谢</p>"));
});

test("only two tildes strike", () => {
  assert.equal(html("range (0.3~8mm) and (0.3~4.5mm)"), '<p dir="auto">range (0.3~8mm) and (0.3~4.5mm)</p>');
  assert.equal(html("~a~ ~~b~~"), '<p dir="auto">~a~ <del>b</del></p>');
});
