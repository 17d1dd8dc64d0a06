/** The script of {% chatkit %}, with a component that has the documented interface. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { BASE } from "./page.js";

const { window } = new JSDOM(
  `<!doctype html><body><div data-chatkit data-src="https://cdn.example/chatkit.js" data-csrf-token="token"
   data-options="options" data-entities-url="/chat/entities/"><p class="chatkit-missing"></p>
   <p class="chatkit-loading"></p></div><script id="options" type="application/json">
   {"api": {"url": "/chat/api/"}, "commands": {"enabled": true}, "entities": {"showComposerMenu": true}}</script></body>`,
  { url: BASE },
);
const { document } = window;
const asked = [];
Object.assign(globalThis, {
  document,
  location: window.location,
  CustomEvent: window.CustomEvent,
  customElements: window.customElements,
  CSS: { escape: (text) => text },
  matchMedia: () => ({ matches: false }),
  async fetch(url, init = {}) {
    asked.push([url, init.method ?? "GET", init.body]);
    return Response.json(init.method === "POST" ? { preview: { type: "Card" } } : { data: [{ id: "7" }] });
  },
});

let options;
window.customElements.define(
  "openai-chatkit",
  class extends window.HTMLElement {
    setOptions(given) {
      options = given;
    }
    tell(name, detail) {
      this.dispatchEvent(new window.CustomEvent(`chatkit.${name}`, { detail }));
    }
  },
);
await import("../../chatstore/static/chatstore/chatkit.js");
await new Promise(setImmediate);
const element = document.querySelector("openai-chatkit");

/** Listen once to a hook, and answer it. */
function answer(name, value) {
  const heard = [];
  const listen = ({ detail }) => {
    heard.push(detail);
    detail.respondWith(value);
  };
  document.addEventListener(`chatstore:${name}`, listen, { once: true });
  return heard;
}

test("tools, actions and clicks on entities ask the hooks of the page", async () => {
  const tools = answer("tool", { width: 1 });
  assert.deepEqual(await options.onClientTool({ name: "size", params: { unit: "px" } }), { width: 1 });
  assert.deepEqual([tools[0].name, tools[0].arguments], ["size", { unit: "px" }]);
  assert.deepEqual(await options.onClientTool({ name: "size", params: {} }), { error: "Unknown tool size" });
  const actions = answer("action", null);
  await options.widgets.onAction({ type: "press" }, { id: "itm_1" });
  assert.deepEqual([actions[0].action, actions[0].item], [{ type: "press" }, { id: "itm_1" }]);
  const clicks = answer("entity", null);
  options.entities.onClick({ id: "7" });
  assert.deepEqual(clicks[0].entity, { id: "7" });
});

test("entities are found and shown by a hook, else by the application", async () => {
  assert.equal(options.entities.showComposerMenu, true);
  assert.deepEqual(await options.entities.onTagSearch("a b"), [{ id: "7" }]);
  assert.deepEqual(await options.entities.onRequestPreview({ id: "7" }), { preview: { type: "Card" } });
  assert.deepEqual(asked, [
    ["/chat/entities/?q=a+b", "GET", undefined],
    ["/chat/entities/", "POST", '{"entity":{"id":"7"}}'],
  ]);
  answer("entity-search", [{ id: "8" }]);
  assert.deepEqual(await options.entities.onTagSearch("x"), [{ id: "8" }]);
  answer("entity-preview", { preview: null });
  assert.deepEqual(await options.entities.onRequestPreview({ id: "8" }), { preview: null });
  assert.equal(asked.length, 2);
});

test("commands are found and run by hooks", async () => {
  assert.deepEqual(await options.commands.onSearch("x"), []);
  answer("command-search", [{ id: "c" }]);
  assert.deepEqual(await options.commands.onSearch("x"), [{ id: "c" }]);
  answer("command", { type: "menu", commands: [] });
  assert.deepEqual(await options.commands.onSelect({ id: "c" }), { type: "menu", commands: [] });
});

test("its events reach the document, and effects the older hook", () => {
  const heard = [];
  for (const name of ["thread.change", "effect", "response.end"]) {
    document.addEventListener(`chatkit.${name}`, ({ detail }) => heard.push([name, detail]));
  }
  const effects = answer("effect", null);
  element.tell("thread.change", { threadId: "thr_1" });
  element.tell("effect", { name: "highlight", data: { row: 1 } });
  element.tell("response.end");
  assert.deepEqual(heard, [
    ["thread.change", { threadId: "thr_1" }],
    ["effect", { name: "highlight", data: { row: 1 } }],
    ["response.end", null],
  ]);
  assert.equal(effects[0].name, "highlight");
});

test("a script gets the element when it is ready", () => {
  let chat;
  document.addEventListener("chatstore:ready", ({ detail }) => {
    chat = detail.chat;
  });
  element.tell("ready");
  assert.equal(chat, element);
});
