import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const draw = (source, options) => {
  const page = openPage(options);
  return page.dom.el("div", {}, page.markdown.markdown(source));
};

test("HTML is shown as the text that it is, but for a few tags without attributes", () => {
  const node = draw('a<br>b <kbd>c</kbd> <img src=x onerror=alert(1)> <b class="x">d</b>\n\n<script>e</script>');
  assert.equal(node.querySelectorAll("br, kbd").length, 2);
  assert.equal(node.querySelectorAll("img, script, [onerror], [class]").length, 0);
  assert.ok(node.textContent.includes("<img src=x onerror=alert(1)>"));
  assert.ok(node.textContent.includes("<script>e</script>"));
});

test("links open elsewhere and tell nothing; a script is none", () => {
  const node = draw("[a](https://example.com) [b](javascript:alert(1)) [c](/path)");
  const [web, , path] = node.querySelectorAll("a");
  assert.equal(web.getAttribute("rel"), "noopener noreferrer nofollow");
  assert.equal(web.getAttribute("target"), "_blank");
  assert.equal(path?.getAttribute("href") ?? node.querySelectorAll("a")[1].getAttribute("href"), "/path");
  assert.equal(node.querySelector("[href^=javascript]"), null);
});

test("a picture of another host is a link, one of an allowed domain is shown", () => {
  const source = '![cat](https://pictures.example/a"b.png) ![own](/files/1/)';
  assert.equal(draw(source).querySelectorAll("img").length, 1);
  assert.equal(draw(source).querySelector("a").textContent, "cat");
  const allowed = draw(source, { domains: ["pictures.example"] });
  assert.equal(allowed.querySelectorAll("img").length, 2);
  assert.deepEqual(
    [...allowed.querySelector("img").attributes].map(({ name }) => name),
    ["src", "alt", "loading"],
  );
});

test("headings begin below the page's, tables scroll, boxes are disabled, code can be copied", () => {
  const node = draw("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n```python\nprint(1)\n```");
  assert.equal(node.querySelector("h3.h1").textContent, "Title");
  assert.ok(node.querySelector(".table-scroll[tabindex='0'] > table"));
  assert.ok(node.querySelector("input[type=checkbox]").disabled);
  assert.equal(node.querySelector(".code-bar span").textContent, "python");
  assert.equal(node.querySelector(".code-bar button").getAttribute("aria-label"), "Copy the code");
  assert.equal(node.querySelector(".code pre code").textContent, "print(1)\n");
});

/** Show a text that grows by these pieces, and give it after each. */
function grow(page, pieces) {
  const node = page.dom.el("div");
  const body = new page.markdown.GrowingText(node);
  let text = "";
  return pieces.map((piece) => {
    text += piece;
    body.text = text;
    body.draw();
    return node.innerHTML;
  });
}

test("a text that grows looks at its end as if it had been there at once", () => {
  const page = openPage();
  const source =
    "# Title\n\nA *word* and `code`.\n\n- one\n- two\n\n  more\n\n> quoted\n\n```js\nlet a;\n\nlet b;\n```\n\n" +
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n1. x\n2. y\n\nEnd";
  const whole = page.html(page.markdown.markdown(source));
  for (const size of [1, 2, 7, 50]) {
    const pieces = source.match(new RegExp(`[^]{1,${size}}`, "g"));
    assert.equal(grow(page, pieces).at(-1), whole, `in pieces of ${size}`);
  }
});

test("what can't change any more stays the same element while a text grows", () => {
  const page = openPage();
  const node = page.dom.el("div");
  const body = new page.markdown.GrowingText(node);
  body.finish("First.\n\nSecond");
  const [first, second] = node.querySelectorAll("p");
  body.finish("First.\n\nSecond paragraph.");
  assert.equal(node.querySelectorAll("p")[0], first);
  assert.notEqual(node.querySelectorAll("p")[1], second);
  assert.equal(node.textContent.trim(), "First.\nSecond paragraph.");
});

test("a text that turns out to begin otherwise is made anew", () => {
  const page = openPage();
  const node = page.dom.el("div");
  const body = new page.markdown.GrowingText(node);
  body.finish("First.\n\nSecond.");
  body.finish("Other.\n\nSecond.");
  assert.equal(node.innerHTML, page.html(page.markdown.markdown("Other.\n\nSecond.")));
});

test("a definition at the end of a text is not finished by what was drawn before", () => {
  const page = openPage();
  const body = new page.markdown.GrowingText(page.dom.el("div"));
  assert.ok(body.finish("[a]"));
  assert.ok(!body.finish("[a]\n\n[a]: https://example.com"));
});
