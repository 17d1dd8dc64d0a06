import assert from "node:assert/strict";
import { test } from "node:test";
import { JSDOM } from "jsdom";
import { createAlerts } from "../../chatstore/static/chatstore/chat/alerts.js";
import * as model from "../../chatstore/static/chatstore/chat/conversation.js";
import { createConversations } from "../../chatstore/static/chatstore/chat/conversations.js";
import { createDom } from "../../chatstore/static/chatstore/chat/dom.js";
import { updated } from "../../chatstore/static/chatstore/chat/item_data.js";
import * as errors from "../../chatstore/static/chatstore/chat/protocol.js";
import { createTurns } from "../../chatstore/static/chatstore/chat/turns.js";
import { settle, strings } from "./page.js";

const AT = "2026-01-01T00:00:00+00:00";
const item = (id, type = "assistant_message") => ({
  id,
  type,
  thread_id: "thr_1",
  created_at: AT,
  content: [{ text: id }],
});
const question = (id) => item(id, "user_message");
const done = (one) => ({ type: "thread.item.done", item: one });
const draft = (text) => ({ text, attachments: [], quoted: null });
const HTML = `<h1 id="title"></h1><div id="conversation"></div><div id="problem"></div><div id="notices"></div>
<div id="live"></div>`;

/** The turns of a conversation. `items` are what the server has; each answer waits until `finish` gives its events. */
async function openChat(items = [question("q1"), item("a1")]) {
  const { window } = new JSDOM(`<!doctype html><body>${HTML}</body>`);
  const [frames, heard, called] = [[], [], []];
  Object.defineProperty(window.document, "hidden", { value: false });
  Object.assign(globalThis, {
    document: window.document,
    addEventListener() {},
    requestAnimationFrame: (run) => frames.push(run),
  });
  const dom = createDom(window.document);
  const { $ } = dom;
  const nothing = () => {};
  const chat = { items, isAnswering: false, ends: 0, calls: {} };
  const begun = [];
  const answer = () => new Promise((resolve) => begun.push(resolve));
  const call = async (name, params) => {
    called.push(name);
    if (name === "items.list") return { data: chat.items.toReversed() };
    return chat.calls[name]?.(params) ?? { id: params.thread_id, created_at: AT };
  };
  const alerts = createAlerts({ dom, strings, isForPeople: () => true, isUnreachable: () => false, onError: nothing });
  const scroll = {
    toEnd: () => {
      chat.ends += 1;
    },
  };
  const quiet = new Proxy({}, { get: () => nothing });
  const conversations = createConversations({
    dom,
    strings,
    model,
    reduce: model.createReduce(updated),
    call,
    own: { state: async () => ({ is_answering: chat.isAnswering }) },
    timeline: quiet,
    threads: quiet,
    composer: quiet,
    scroll,
    alerts,
    setAddress: nothing,
    onAnswering: assert.fail,
    onEvent: nothing,
    emit: nothing,
    first: null,
  });
  const turns = createTurns({
    strings,
    say: (_key, { text }) => text,
    excerpt: (message) => message?.content[0].text ?? "",
    model,
    errors,
    protocol: { post: answer, call },
    running: {
      async follow(_conversation, open, apply) {
        for (const event of await (open ? open() : answer())) apply(event);
        return {};
      },
    },
    conversations,
    threads: quiet,
    composer: quiet,
    scroll,
    alerts,
    hook: async () => ({}),
    isTemporary: () => false,
    setAddress: nothing,
    onTurn: nothing,
  });
  const frame = () => {
    if (!frames.length) return;
    for (const run of frames.splice(0)) run();
    heard.push($("live").textContent);
  };
  /** @param {...any} events of the answer that waits the longest */
  const finish = async (...events) => {
    begun.shift()(events);
    await settle();
    frame();
  };
  await conversations.open("thr_1");
  chat.ends = 0;
  const ids = () => conversations.shown.state.entries.map((entry) => entry.item.id);
  return Object.assign(chat, { $, turns, conversations, begun, called, heard, frame, finish, ids });
}

test("what another page has replaced is gone when its answer has ended, before what waits is sent", async () => {
  for (const waits of [false, true]) {
    const chat = await openChat([question("q1"), item("a1")]);
    const { turns, conversations, ids, begun } = chat;
    turns.join(conversations.shown);
    chat.isAnswering = true; // and a mark may be left when the answer has ended
    if (waits) turns.send(draft("And then?"));
    chat.items = [question("q2")];
    await conversations.load(conversations.shown);
    chat.items = [question("q2"), item("a2")];
    await chat.finish(done(item("a2")));
    assert.deepEqual(ids(), ["q2", "a2"]);
    assert.equal(begun.length, Number(waits));
  }
});

test("a widget's button that is pressed twice acts once", async () => {
  const { turns, called, $ } = await openChat();
  const press = () => turns.act(item("w1", "widget"), { type: "buy", streaming: false }, {}, $("conversation"));
  await Promise.all([press(), press()]);
  assert.equal(called.filter((name) => name === "threads.sync_custom_action").length, 1);
  await press();
  assert.equal(called.filter((name) => name === "threads.sync_custom_action").length, 2);
});

test("what is pressed while an answer is under way says so, and can be tried again", async () => {
  const { turns, begun, finish, $ } = await openChat();
  turns.send(draft("Hello"));
  await turns.act(item("w1", "widget"), { type: "buy" }, {}, $("conversation"));
  assert.equal($("problem").querySelector("p").textContent, strings.answering);
  assert.equal(begun.length, 1);
  await finish(done(question("q2")), done(item("a2")));
  $("problem").querySelector("button").click();
  assert.equal(begun.length, 1);
  assert.equal($("problem").textContent, "");
});

test("only what somebody has just done takes them to the end", async () => {
  const chat = await openChat();
  const { turns, conversations, begun, finish } = chat;
  turns.join(conversations.shown);
  await finish(done(item("a2")));
  assert.equal(chat.ends, 0);
  turns.send(draft("Hello"));
  assert.equal(chat.ends, 1);
  turns.send(draft("And then?"));
  assert.equal(chat.ends, 2);
  await finish(done(question("q2")), done({ ...item("c1", "client_tool_call"), status: "pending" }));
  await settle();
  assert.equal(begun.length, 1); // the tool's output is sent
  await finish(done(item("a3")));
  assert.equal(begun.length, 1); // and what waited
  await finish(done(question("q3")), done(item("a4")));
  assert.equal(chat.ends, 2);
  turns.retry(conversations.shown);
  assert.equal(chat.ends, 3);
});

test("a screen reader hears the answer, though a message waits", async () => {
  const { turns, finish, frame, heard } = await openChat();
  turns.send(draft("Hello"));
  turns.send(draft("And then?"));
  frame();
  await finish(done(question("q2")), done(item("a2")));
  assert.equal(heard.at(-1), `a2 ${strings.answering}`);
});

test("nothing is said of a conversation that is not shown", async () => {
  const { turns, conversations, finish, frame, heard } = await openChat();
  const { shown } = conversations;
  turns.send(draft("Hello"));
  frame();
  await conversations.open("thr_2");
  frame();
  heard.length = 0;
  turns.send(draft("Hello"));
  frame();
  assert.deepEqual(heard, [strings.answering]);
  await finish({ type: "progress_update", text: "Looking" }, done(question("q2")), done(item("a2")));
  turns.retry(shown);
  frame();
  assert.deepEqual(heard, [strings.answering]);
});
