import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, draftOf, namedIn, queryAt } from "../../chatstore/static/chatstore/chat/mentions.js";

const ANN = { id: "1", title: "Ann", group: "People", data: { age: "40" }, interactive: true };
const ANNA = { id: "2", title: "Anna (b. 1990)" };
const tag = (entity) => ({
  type: "input_tag",
  id: entity.id,
  text: entity.title,
  data: entity.data ?? {},
  group: entity.group,
  interactive: Boolean(entity.interactive),
});
const text = (words) => ({ type: "input_text", text: words });

test("what a text names is a tag of the message, the rest is text", () => {
  const content = contentOf("Ask @Ann and @Anna (b. 1990), @Annabel", [ANN, ANNA]);
  assert.deepEqual(content, [text("Ask "), tag(ANN), text(" and "), tag(ANNA), text(", @Annabel")]);
  assert.deepEqual(contentOf("@Ann", [ANN]), [tag(ANN)]);
  const [short, long] = [
    { id: "4", title: "Order" },
    { id: "5", title: "Order 7" },
  ];
  assert.deepEqual(contentOf("@Order 7", [short, long]), [tag(long)]);
  assert.deepEqual(contentOf("me@Ann", [ANN]), [text("me@Ann")]);
  assert.deepEqual(contentOf("", []), []);
});

test("what was taken out of the text is named no more", () => {
  assert.deepEqual(namedIn("Ask @An", [ANN, ANNA]), []);
  assert.deepEqual(namedIn("Ask @Ann twice: @Ann", [ANN]), [ANN, ANN]);
});

test("of several with one title each is named in turn", () => {
  const other = { id: "3", title: "Ann" };
  assert.deepEqual(
    contentOf("@Ann @Ann", [ANN, other]).filter(({ type }) => type === "input_tag"),
    [tag(ANN), tag(other)],
  );
});

test("content goes back into the box as it was written", () => {
  const content = contentOf("Ask @Ann now", [ANN]);
  const draft = draftOf(content);
  assert.equal(draft.text, "Ask @Ann now");
  assert.deepEqual(contentOf(draft.text, draft.entities), content);
});

test("a query stands between its sign and the caret", () => {
  assert.deepEqual(queryAt("@", "Ask @an", 7), { query: "an", start: 4 });
  assert.deepEqual(queryAt("@", "@", 1), { query: "", start: 0 });
  assert.deepEqual(queryAt("/", "/ne", 3), { query: "ne", start: 0 });
  for (const [words, caret] of [
    ["mail me@home", 12],
    ["@an ", 4],
    ["@an", 0],
    [`@${"x".repeat(61)}`, 62],
    ["", 0],
  ]) {
    assert.equal(queryAt("@", words, caret), null, words);
  }
});
