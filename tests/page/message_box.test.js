import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import * as choice_menu from "../../chatstore/static/chatstore/chat/choice_menu.js";
import * as choices from "../../chatstore/static/chatstore/chat/choices.js";
import * as commands from "../../chatstore/static/chatstore/chat/commands.js";
import * as completion from "../../chatstore/static/chatstore/chat/completion.js";
import * as composer from "../../chatstore/static/chatstore/chat/composer.js";
import { createDom } from "../../chatstore/static/chatstore/chat/dom.js";
import * as entities from "../../chatstore/static/chatstore/chat/entities.js";
import { createEmit, createHook } from "../../chatstore/static/chatstore/chat/hooks.js";
import * as library from "../../chatstore/static/chatstore/chat/library.js";
import * as mentions from "../../chatstore/static/chatstore/chat/mentions.js";
import { createMessageBox } from "../../chatstore/static/chatstore/chat/message_box.js";
import { addMethods } from "../../chatstore/static/chatstore/chat/methods.js";
import * as start_screen from "../../chatstore/static/chatstore/chat/start_screen.js";
import * as suggestions from "../../chatstore/static/chatstore/chat/suggestions.js";
import { createText } from "../../chatstore/static/chatstore/chat/text.js";
import { BASE, strings } from "./page.js";

const HTML = `<div id="chat"><section id="welcome"><div id="prompts"></div></section>
  <form id="composer"><div id="suggestions" role="listbox" hidden></div><p id="quote"><b id="quote-text"></b></p>
  <ul id="mentions"></ul><ul id="attachments"></ul><button type="button" id="attach" title="Attach files"></button>
  <textarea id="message" placeholder="Write"></textarea><button id="dictate" type="button" hidden></button>
  <button id="send"></button><button type="button" id="stop"></button><button type="button" id="unquote"></button>
  <div id="composer-tools"><button type="button" id="mention"></button><button type="button" id="tools"></button>
  <div id="pinned-tools"></div><button type="button" id="model"><b id="model-name"></b></button></div></form>
  <div id="disclaimer" hidden></div><div id="tools-menu"></div><div id="model-menu"></div><div id="entity-preview"></div></div>`;

const MODELS = [
  { id: "small", label: "Small" },
  { id: "large", label: "Large", default: true },
  { id: "huge", label: "Huge", disabled: true },
];
const TOOLS = [
  { id: "search", label: "Search", pinned: true, placeholderOverride: "What for?" },
  { id: "diary", label: "Diary", persistent: true },
];
const OPTIONS = { composer: { models: MODELS, tools: TOOLS }, commands: { enabled: true } };

/** The message box with these options; `asked` are requests to the application. */
function open(options = OPTIONS, { found = [], refused = false } = {}) {
  const { window } = new JSDOM(`<!doctype html><body>${HTML}</body>`, { url: BASE });
  Object.assign(globalThis, {
    document: window.document,
    matchMedia: (query) => ({ matches: query.includes("fine") }),
    innerHeight: 800,
    innerWidth: 1200,
    CSS: { escape: (text) => text },
    CustomEvent: window.CustomEvent,
  });
  for (const name of ["scrollIntoView", "hidePopover", "showPopover", "togglePopover"]) {
    window.HTMLElement.prototype[name] = () => {};
  }
  const dom = createDom(window.document);
  dom.$("entity-preview").matches = () => false; // jsdom knows no :popover-open
  const [sent, told, asked] = [[], [], []];
  const emit = createEmit(dom.$("chat"));
  window.document.addEventListener("chatkit.tool.change", ({ detail }) => told.push(detail.toolId));
  const modules = { choice_menu, choices, composer, entities, mentions };
  const box = createMessageBox(
    { ...modules, library, start_screen },
    {
      dom,
      text: createText(strings, "en"),
      options,
      config: { entitiesUrl: "/entities/" },
      errors: { Refused: Error },
      protocol: {
        async ask(url) {
          asked.push(url);
          if (refused) throw new Error("refused");
          return { data: found };
        },
      },
      hook: createHook(window.document),
      emit,
      markdown: (source) => window.document.createTextNode(source),
      load: { completion: async () => ({ completion, suggestions, commands }) },
      drawWidget: async () => dom.el("div"),
      onSend: (draft) => sent.push(draft),
      onStop() {},
      onNew: () => sent.push("new"),
      announce() {},
      onError: (error) => assert.fail(error),
    },
  );
  const message = dom.$("message");
  async function type(words) {
    message.value = words;
    message.setSelectionRange(words.length, words.length);
    message.dispatchEvent(new window.Event("input"));
    await new Promise((done) => setTimeout(done, 200));
  }
  const press = (key) =>
    message.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const offered = () => [...dom.$("suggestions").querySelectorAll("[role=option]")].map((one) => one.textContent);
  return { ...box, window, dom, message, sent, told, asked, type, press, offered };
}

const send = ({ dom, window, message }, words) => {
  message.value = words;
  message.dispatchEvent(new window.Event("input"));
  dom.$("composer").dispatchEvent(new window.Event("submit", { cancelable: true }));
};

test("the tool and the model go with the message; a tool that is not persistent is for one", () => {
  const page = open();
  page.dom.$("pinned-tools").querySelector("button").click();
  assert.equal(page.message.placeholder, "What for?");
  page.dom.$("model-menu").querySelector("[data-id=small]").click();
  send(page, "One");
  send(page, "Two");
  page.dom.$("tools-menu").querySelector("[data-id=diary]").click();
  send(page, "Three");
  send(page, "Four");
  const asked = page.sent.map(({ inference_options }) => inference_options);
  assert.deepEqual(asked, [
    { tool_choice: { id: "search" }, model: "small" },
    { model: "small" },
    { tool_choice: { id: "diary" }, model: "small" },
    { tool_choice: { id: "diary" }, model: "small" },
  ]);
  assert.deepEqual(page.told, ["search", null, "diary"]);
  assert.equal(page.message.placeholder, "Write");
});

test("a conversation goes on with the model and the persistent tool of its last message", () => {
  const { choices: chosen } = open();
  const [one, other] = [{}, {}];
  chosen.show(one, undefined); // not loaded yet
  assert.deepEqual(chosen.value(), { model: "large" });
  chosen.show(one, { model: "small", tool_choice: { id: "diary" } });
  assert.deepEqual(chosen.value(), { model: "small", tool_choice: { id: "diary" } });
  chosen.choose({ modelId: "large", toolId: null });
  chosen.show(one, { model: "small", tool_choice: { id: "diary" } });
  assert.deepEqual(chosen.value(), { model: "large" });
  chosen.show(other, { model: "huge", tool_choice: { id: "search" } }); // no longer offered; not persistent
  assert.deepEqual(chosen.value(), { model: "large" });
});

test("without tools and models nothing is asked for, and no row is shown", () => {
  const page = open({});
  send(page, "Hello");
  assert.deepEqual(page.sent[0].inference_options, {});
  assert.equal(page.dom.$("composer-tools").hidden, true);
});

test("an entity that is chosen stands in the box, and is a tag of the message", async () => {
  const page = open({}, { found: [{ id: "7", title: "Order 7", group: "Orders" }] });
  await page.type("See @ord");
  assert.deepEqual(page.asked, ["/entities/?q=ord"]);
  assert.deepEqual(page.offered(), ["Order 7"]);
  page.press("Enter");
  assert.equal(page.message.value, "See @Order 7 ");
  assert.equal(page.sent.length, 0);
  assert.equal(page.dom.$("mentions").textContent, "@Order 7");
  page.press("Enter");
  assert.deepEqual(
    page.sent[0].content.map(({ type, id }) => id ?? type),
    ["input_text", "7"],
  );
  assert.equal(page.dom.$("mentions").hidden, true);
});

test("a site's script answers before the application; a search that fails leaves the text", async () => {
  const page = open({}, { refused: true });
  await page.type("@x");
  assert.deepEqual(page.offered(), []);
  page.window.document.addEventListener("chatstore:entity-search", ({ detail }) =>
    detail.respondWith([{ id: "1", title: `Found ${detail.query}` }]),
  );
  await page.type("@y");
  assert.deepEqual(page.offered(), ["Found y"]);
  assert.deepEqual(page.asked, ["/entities/?q=x"]);
  page.press("Escape");
  assert.equal(page.dom.$("suggestions").hidden, true);
  assert.equal(page.message.value, "@y");
});

test("commands: the page's own, and those of a script, which may lead on", async () => {
  const page = open();
  page.window.document.addEventListener("chatstore:command-search", ({ detail }) =>
    detail.respondWith([{ id: "bikes", label: "Bikes" }]),
  );
  page.window.document.addEventListener("chatstore:command", ({ detail }) =>
    detail.respondWith(
      detail.command.id === "bikes"
        ? { type: "menu", commands: [{ id: "terra", label: "Terra" }] }
        : { type: "entity", entity: { id: "terra", title: "Terra" } },
    ),
  );
  await page.type("/");
  assert.deepEqual(page.offered(), ["New conversation", "Attach files", "Search", "Diary", "Bikes"]);
  page.press("ArrowUp");
  page.press("Tab");
  await new Promise(setImmediate);
  assert.deepEqual(page.offered(), ["Terra"]);
  assert.equal(page.message.value, "");
  page.press("Enter");
  await new Promise(setImmediate);
  assert.equal(page.message.value, "@Terra ");
  await page.type("/sea");
  assert.deepEqual(page.offered(), ["Search", "Bikes"]);
  page.press("Enter");
  assert.deepEqual(page.choices.value(), { tool_choice: { id: "search" }, model: "large" });
  await page.type("/new");
  page.press("Enter");
  assert.deepEqual(page.sent, ["new"]);
});

test("a command that is written before a message leaves the message", async () => {
  const page = open();
  page.message.value = "/seaWhat is new?";
  page.message.setSelectionRange(4, 4);
  page.message.dispatchEvent(new page.window.Event("input"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual(page.offered(), ["Search"]);
  page.press("Enter");
  assert.equal(page.choices.value().tool_choice.id, "search");
  assert.equal(page.message.value, "What is new?");
});

test("what was suggested for fewer letters is not chosen by Enter", async () => {
  const page = open();
  await page.type("/n");
  assert.deepEqual(page.offered(), ["New conversation"]);
  page.message.value = "/notes"; // faster than the server is asked
  page.message.setSelectionRange(6, 6);
  page.message.dispatchEvent(new page.window.Event("input"));
  await new Promise(setImmediate);
  assert.deepEqual(page.offered(), []);
  page.press("Enter");
  assert.deepEqual(
    page.sent.map(({ text }) => text),
    ["/notes"],
  );
});

test("a prompt is sent with its tags, and what is being written stays", () => {
  const prompt = [
    { type: "input_text", text: "Weigh " },
    { type: "input_tag", id: "1", text: "Terra" },
  ];
  const page = open({ startScreen: { prompts: [{ label: "Weight", prompt, icon: "chart" }] } });
  page.message.value = "Half a sentence";
  page.dom.$("prompts").querySelector("button").click();
  assert.equal(page.message.value, "Half a sentence");
  assert.equal(page.sent[0].text, "Weigh @Terra");
  assert.deepEqual(page.sent[0].content[1].id, "1");
});

test("the disclaimer stands below the box", () => {
  const { dom } = open({ disclaimer: { text: "Can be wrong.", highContrast: true } });
  assert.equal(dom.$("disclaimer").hidden, false);
  assert.equal(dom.$("disclaimer").className, "high-contrast");
});

test("the methods are those of the component", async () => {
  const page = open();
  const calls = [];
  const shown = { state: { id: "thr_1" } };
  const chat = addMethods({
    element: page.dom.$("chat"),
    model: { idOf: ({ id }) => id },
    conversations: { shown },
    turns: {
      send: (draft) => calls.push(draft),
      start: async (...args) => calls.push(args.slice(1)),
    },
    composer: page.composer,
    choices: page.choices,
    mentions,
    held: (answer) => ({ id: answer.id, answer, node: page.dom.el("li") }),
    upload: (files) => calls.push(files),
    go: (id) => calls.push(["go", id]),
    refresh: async () => calls.push("refresh"),
    showHistory: (isOpen) => calls.push(["history", isOpen]),
  });
  await chat.sendUserMessage({
    text: "Hello",
    model: "small",
    toolChoice: { id: "x" },
    reply: "Words",
    newThread: true,
  });
  assert.deepEqual(calls[0], ["go", null]);
  assert.deepEqual(calls[1].content, [{ type: "input_text", text: "Hello" }]);
  assert.deepEqual(calls[1].inference_options, { tool_choice: { id: "x" }, model: "small" });
  assert.equal(calls[1].quoted, "Words");
  assert.deepEqual(page.choices.value(), { model: "large" }); // what is chosen in the box stays

  const attachments = [{ type: "file", id: "atc_1", name: "a.txt", mime_type: "text/plain" }];
  await chat.setComposerValue({ text: "Draft", attachments, selectedToolId: "diary", selectedModelId: "small" });
  assert.equal(page.message.value, "Draft");
  assert.equal(page.composer.draft().attachments[0].id, "atc_1");
  assert.deepEqual(page.choices.value(), { tool_choice: { id: "diary" }, model: "small" });
  await chat.setComposerValue({ selectedToolId: null });
  assert.equal(page.message.value, "Draft");
  assert.deepEqual(page.choices.value(), { model: "small" });

  calls.length = 0;
  await chat.setThreadId("thr_1"); // it is shown
  await chat.setThreadId("thr_2");
  await chat.sendCustomAction({ type: "press" }, "itm_1");
  await chat.fetchUpdates();
  await chat.showHistory();
  await chat.hideHistory();
  assert.deepEqual(calls, [
    ["go", "thr_2"],
    ["threads.custom_action", { thread_id: "thr_1", item_id: "itm_1", action: { type: "press" } }],
    "refresh",
    ["history", true],
    ["history", false],
  ]);
});
