import assert from "node:assert/strict";
import { test } from "node:test";
import { linkAddress, mayShowImage } from "../../chatstore/static/chatstore/chat/addresses.js";
import { BASE } from "./page.js";

test("links lead to the web, to mail, or to a path of this site", () => {
  for (const good of ["https://example.com/a", "HTTP://example.com", "mailto:a@example.com", "/files/1/", "/"]) {
    assert.equal(linkAddress(good, BASE), good);
  }
  const refused = [
    "/\\evil.example",
    "//evil.example",
    "/\t/evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "relative",
    "https://",
    "",
    null,
    7,
  ];
  for (const bad of refused) assert.equal(linkAddress(bad, BASE), null, String(bad));
});

test("pictures come from this site, from allowed domains, or from the address itself", () => {
  const domains = ["pictures.example"];
  for (const good of [
    "/files/1/",
    "https://chat.example/a.png",
    "data:image/png;base64,AA",
    "https://pictures.example/a",
    "https://a.pictures.example/a",
  ]) {
    assert.ok(mayShowImage(good, BASE, domains), good);
  }
  for (const bad of [
    "https://evil.example/a",
    "https://notpictures.example/a",
    "http://pictures.example/a",
    "/\\evil.example/a",
    "//evil.example/a",
    "data:text/html,x",
    "blob:https://evil.example/1",
    "https://",
    undefined,
  ]) {
    assert.ok(!mayShowImage(bad, BASE, domains), String(bad));
  }
  assert.ok(!mayShowImage("https://pictures.example/a", BASE));
});
