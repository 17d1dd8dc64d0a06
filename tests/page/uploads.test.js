import assert from "node:assert/strict";
import { test } from "node:test";
import { isAccepted } from "../../chatstore/static/chatstore/chat/uploads.js";

const file = (/** @type {string} */ name, type = "") => /** @type {File} */ ({ name, type });

test("without a list of types the server decides", () => {
  assert.ok(isAccepted("", file("tool.exe", "application/x-msdownload")));
});

test("with a list, a type that the browser knows must be on it", () => {
  const accept = "image/png,.png,text/*";
  assert.ok(isAccepted(accept, file("a.PNG", "image/png")));
  assert.ok(isAccepted(accept, file("a.md", "text/markdown")));
  assert.ok(isAccepted(accept, file("a.toml")), "the browser knows no type of it");
  assert.ok(!isAccepted(accept, file("a.exe", "application/x-msdownload")));
});
