import assert from "node:assert/strict";
import { test } from "node:test";
import { sliceEnd, wordsOf } from "../../chatstore/static/chatstore/chat/plain_text.js";

/** All slices of a text. */
function slices(text) {
  const all = [];
  for (let from = 0; from < text.length; ) {
    const end = sliceEnd(text, from);
    all.push(text.slice(from, end));
    from = end;
  }
  return all;
}

test("slices are the whole text, by lines and by length, and split no character", () => {
  for (const text of ["", "a", "a\n", "line\n".repeat(7001), "x".repeat(250_001), `x${"😀".repeat(120_000)}`]) {
    const parts = slices(text);
    assert.equal(parts.join(""), text);
    for (const part of parts) {
      assert.ok(part.length <= 100_000 && part.split("\n").length <= 2001);
      assert.ok(part.isWellFormed());
    }
  }
});

test("the words of an item are found in order, however deep", () => {
  let widget = { type: "Text", value: "last" };
  for (let n = 0; n < 50_000; n++) widget = { type: "Card", children: [widget] };
  const item = { type: "widget", widget: { type: "Card", label: "first", children: [{ title: "second" }, widget] } };
  assert.equal(wordsOf(item), "first\nsecond\nlast");
});
