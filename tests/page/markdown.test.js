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

test("each block has the direction of its own words", () => {
  const node = draw("# One\n\nשלום\n\n- two\n\n> three\n\n| a |\n|---|\n| b |\n\n```js\nfour\n```");
  const blocks = [...node.querySelectorAll("h3, p, ul, blockquote, th, td")];
  assert.equal(blocks.length, 7);
  assert.ok(blocks.every(({ dir }) => dir === "auto"));
  assert.equal(node.querySelector(".code").dir, "ltr");
});

test("links open elsewhere and tell nothing; a script is none", () => {
  const node = draw("[a](https://example.com) [b](javascript:alert(1)) [c](/path)");
  const [web] = node.querySelectorAll("a");
  assert.equal(web.getAttribute("rel"), "noopener noreferrer nofollow");
  assert.equal(web.getAttribute("target"), "_blank");
  assert.ok(node.querySelector("a[href='/path']"));
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
