import assert from "node:assert/strict";
import test from "node:test";
import { JSDOM } from "jsdom";
import { createText, readStrings } from "../../chatstore/static/chatstore/chat/text.js";

const NUMBERS = ["0", "1", "2", "3", "6", "7", "11", "100", "1000000"];

test("a text with a count takes the plural form of the browser's rules", () => {
  const texts = NUMBERS.map((n) => `<b data-s="files" data-n="${n}">form of ${n}: {count}</b>`).join("");
  const { window } = new JSDOM(`<template id="strings"><b data-s="you">You</b>${texts}</template>`);
  const strings = readStrings(window.document.getElementById("strings"));
  assert.equal(strings.you, "You");
  const said = (locale, count) => createText(strings, locale).sayCount("files", count);
  assert.equal(said("en", 1), "form of 1: 1");
  assert.equal(said("en", 1234), "form of 0: 1,234");
  assert.equal(said("fr", 0), "form of 0: 0");
  assert.equal(said("fr", 1), "form of 0: 1");
  assert.equal(said("fr", 20), "form of 2: 20");
  assert.equal(said("pl", 22), "form of 2: 22");
  assert.equal(said("pl", 25), "form of 0: 25");
  assert.equal(said("ja", 5), "form of 0: 5");
  const arabic = (count) => said("ar-u-nu-latn", count).replace(/:.*/, "");
  assert.deepEqual(
    [0, 1, 2, 5, 50, 200].map(arabic),
    [0, 1, 2, 3, 11, 100].map((n) => `form of ${n}`),
  );
});

test("sizes are counted as the server counts them", () => {
  const { size } = createText({}, "en");
  assert.equal(size(20 * 1024 * 1024), "20 MB");
  assert.equal(size(1536), "1.5 kB");
  assert.equal(size(500), "500 byte");
});
