import assert from "node:assert/strict";
import { test } from "node:test";
import { createKeptDraft } from "../../chatstore/static/chatstore/chat/kept_draft.js";

/** A browser tab's storage, with the drafts of a user in it. */
function openTab() {
  const items = new Map();
  const storage = {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
  return (user) => createKeptDraft({ storage: () => storage, user });
}

const DRAFT = { text: "Precious words", quoted: null, attachments: [] };
const WRITTEN = new Map([["thr_1", DRAFT]]);

test("the same user gets what was written in each conversation back, once", () => {
  const drafts = openTab();
  drafts("1").keep(new Map([...WRITTEN, [null, { ...DRAFT, text: "More" }], ["thr_2", { ...DRAFT, text: "" }]]));
  assert.deepEqual(
    drafts("1")
      .take()
      .map(({ id, text }) => [id, text]),
    [
      ["thr_1", "Precious words"],
      [null, "More"],
    ],
  );
  assert.deepEqual(drafts("1").take(), []);
});

test("what has been sent since is not there again", () => {
  const drafts = openTab();
  drafts("1").keep(WRITTEN);
  drafts("1").keep(new Map([["thr_1", { ...DRAFT, text: "" }]]));
  assert.deepEqual(drafts("1").take(), []);
});

test("another user doesn't, nor does the first one afterwards", () => {
  const drafts = openTab();
  drafts("1").keep(WRITTEN);
  assert.deepEqual(drafts("2").take(), []);
  assert.deepEqual(drafts("1").take(), []);
});

test("of nobody, and of nothing, nothing is kept", () => {
  const drafts = openTab();
  drafts("").keep(WRITTEN);
  drafts("1").keep(new Map());
  assert.deepEqual(drafts("").take(), []);
  assert.deepEqual(drafts("1").take(), []);
});

test("a storage that is forbidden or holds something else is no error", () => {
  const forbidden = createKeptDraft({
    storage() {
      throw new DOMException("", "SecurityError");
    },
    user: "1",
  });
  forbidden.keep(WRITTEN);
  assert.deepEqual(forbidden.take(), []);
  for (const there of ["{", '{"user": "1", "text": "as it was kept before"}']) {
    const odd = { getItem: () => there, removeItem() {}, setItem() {} };
    assert.deepEqual(createKeptDraft({ storage: () => odd, user: "1" }).take(), []);
  }
});
