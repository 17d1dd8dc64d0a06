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

const DRAFT = { id: "thr_1", text: "Precious words", quoted: null };

test("the same user gets a draft back, once", () => {
  const drafts = openTab();
  drafts("1").keep(DRAFT);
  assert.equal(drafts("1").take().text, "Precious words");
  assert.equal(drafts("1").take(), null);
});

test("another user doesn't, nor does the first one afterwards", () => {
  const drafts = openTab();
  drafts("1").keep(DRAFT);
  assert.equal(drafts("2").take(), null);
  assert.equal(drafts("1").take(), null);
});

test("of nobody, and of nothing, nothing is kept", () => {
  const drafts = openTab();
  drafts("").keep(DRAFT);
  drafts("1").keep({ ...DRAFT, text: "" });
  assert.equal(drafts("").take(), null);
  assert.equal(drafts("1").take(), null);
});

test("a storage that is forbidden or holds something else is no error", () => {
  const forbidden = createKeptDraft({
    storage() {
      throw new DOMException("", "SecurityError");
    },
    user: "1",
  });
  forbidden.keep(DRAFT);
  assert.equal(forbidden.take(), null);
  const odd = { getItem: () => "{", removeItem() {}, setItem() {} };
  assert.equal(createKeptDraft({ storage: () => odd, user: "1" }).take(), null);
});
