import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { createComposer } from "../../chatstore/static/chatstore/chat/composer.js";
import * as model from "../../chatstore/static/chatstore/chat/conversation.js";
import { createConversations } from "../../chatstore/static/chatstore/chat/conversations.js";
import { createDom } from "../../chatstore/static/chatstore/chat/dom.js";
import { updated } from "../../chatstore/static/chatstore/chat/item_data.js";
import * as mentions from "../../chatstore/static/chatstore/chat/mentions.js";
import * as errors from "../../chatstore/static/chatstore/chat/protocol.js";
import { createTurns } from "../../chatstore/static/chatstore/chat/turns.js";
import { settle, strings } from "./page.js";

const AT = "2026-01-01T00:00:00+00:00";
const item = (id, type, text) => ({ id, type, thread_id: "thr_1", created_at: AT, content: [{ text }] });
const HTML = `<h1 id="title" tabindex="-1"></h1><div id="conversation"><div id="older"></div></div>
<div id="welcome"><button data-prompt="A prompt"></button></div>
<form id="composer"><div id="quote"><p id="quote-text"></p><button type="button" id="unquote"></button></div>
<ul id="attachments"></ul><textarea id="message"></textarea><button id="send"></button>
<button type="button" id="stop"></button></form>`;

/** The message box, the conversations and their turns, on a server whose answers the test decides. */
function openChat() {
  const { window } = new JSDOM(`<!doctype html><body>${HTML}</body>`);
  globalThis.matchMedia = () => ({ matches: false });
  globalThis.innerHeight = 800;
  globalThis.addEventListener = () => {};
  const dom = createDom(window.document);
  const chat = { items: [item("msg_1", "user_message", "Hello")], isAnswering: false, answer: async () => [] };
  const nothing = () => {};
  const composer = createComposer({
    dom,
    choices: { value: () => ({}), restore: nothing, sent: nothing },
    mentions,
    drawNamed: nothing,
    onSend: (draft) => turns.send(draft),
    onStop: nothing,
  });
  const call = async (name, { thread_id }) =>
    name === "items.list" ? { data: chat.items.toReversed() } : { id: thread_id, created_at: AT };
  const alerts = {
    announce: nothing,
    clear: nothing,
    clearNotices: nothing,
    showError: (...shown) => chat.alert(...shown),
  };
  chat.alert = (_error, again, edit) => Object.assign(chat, { again, edit });
  const threads = new Proxy({}, { get: () => nothing });
  const scroll = { toEnd: nothing };
  const conversations = createConversations({
    dom,
    strings,
    model,
    reduce: model.createReduce(updated),
    call,
    own: { state: async () => ({ is_answering: chat.isAnswering }) },
    timeline: { draw: nothing, show: nothing },
    threads,
    composer,
    scroll,
    alerts,
    setAddress: nothing,
    onAnswering: (conversation) => turns.join(conversation),
    onEvent: nothing,
    emit: nothing,
    first: null,
  });
  const turns = createTurns({
    strings,
    say: nothing,
    excerpt: () => "",
    model,
    errors,
    protocol: { post: () => chat.answer(), call },
    running: {
      async follow(_conversation, open, apply) {
        for (const event of open ? await open() : []) apply(event);
        chat.isAnswering = false; // it was followed to its end
        return {};
      },
    },
    conversations,
    threads,
    composer,
    scroll,
    alerts,
    hook: nothing,
    isTemporary: () => false,
    setAddress: nothing,
    onTurn: nothing,
  });
  const { $ } = dom;
  const write = (words) => {
    $("message").value = words;
    $("message").dispatchEvent(new window.Event("input"));
  };
  const send = async (words) => {
    write(words);
    $("composer").requestSubmit();
    await settle();
  };
  const fail = async () => {
    throw new errors.Refused("Too many.", 429);
  };
  const box = () => $("message").value;
  return Object.assign(chat, { $, composer, conversations, turns, write, send, fail, box });
}

/** One whose message was refused. */
async function openRefused(id = "thr_1") {
  const chat = openChat();
  await chat.conversations.open(id);
  const answer = chat.answer;
  chat.answer = chat.fail;
  await chat.send("Precious words");
  assert.equal(chat.box(), "");
  chat.answer = answer;
  return chat;
}

test("a message that could not be sent is in its conversation's box after another was opened", async () => {
  const { conversations, write, box } = await openRefused();
  write("More");
  await conversations.open("thr_2");
  assert.equal(box(), "");
  await conversations.open("thr_1");
  assert.equal(box(), "Precious words\n\nMore");
});

test("it goes back into the box when another message is sent", async () => {
  const { send, box } = await openRefused();
  await send("Another");
  assert.equal(box(), "Precious words");
});

test("and when a prompt is, beside what is being written", async () => {
  const { composer, write, box } = await openRefused();
  write("Half a sentence");
  composer.sendContent([{ type: "input_text", text: "A prompt" }]);
  await settle();
  assert.equal(box(), "Precious words\n\nHalf a sentence");
});

test("and when another answer is asked for, or joined", async () => {
  for (const begin of ["retry", "join"]) {
    const { conversations, turns, box } = await openRefused();
    await turns[begin](conversations.shown);
    assert.equal(box(), "Precious words");
  }
  const chat = await openRefused();
  chat.items = [...chat.items, item("msg_2", "user_message", "From another tab")];
  chat.isAnswering = true;
  await chat.conversations.load(chat.conversations.shown);
  assert.equal(chat.box(), "Precious words");
});

test("tried again it is sent, and nothing is written twice", async () => {
  const chat = await openRefused();
  chat.answer = async () => [
    { type: "thread.item.done", item: item("msg_2", "user_message", "Precious words") },
    { type: "thread.item.done", item: item("msg_3", "assistant_message", "Yes") },
  ];
  chat.again();
  await settle();
  assert.equal(chat.box(), "");
  assert.equal(model.pendingOf(chat.conversations.shown.state), null);
});

test("edited it is in the box once", async () => {
  const { edit, conversations, box } = await openRefused();
  edit();
  assert.equal(box(), "Precious words");
  await conversations.open("thr_2");
  await conversations.open("thr_1");
  assert.equal(box(), "Precious words");
});

test("one of a new conversation that fails while another new one is written in is not lost", async () => {
  const chat = openChat();
  await chat.conversations.open(null);
  let refuse;
  chat.answer = () =>
    new Promise((_resolve, reject) => {
      refuse = () => reject(new errors.Refused("Too many.", 429));
    });
  await chat.send("Precious words");
  await chat.conversations.open(null);
  refuse();
  await settle();
  chat.write("Something else");
  await chat.conversations.open("thr_2");
  await chat.conversations.open(null);
  assert.equal(chat.box(), "Precious words\n\nSomething else");
});
