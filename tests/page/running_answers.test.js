import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnsweringMarks } from "../../chatstore/static/chatstore/chat/answering_marks.js";
import { createChanges, waitAfter } from "../../chatstore/static/chatstore/chat/changes.js";
import * as model from "../../chatstore/static/chatstore/chat/conversation.js";
import { updated } from "../../chatstore/static/chatstore/chat/item_data.js";
import * as errors from "../../chatstore/static/chatstore/chat/protocol.js";
import { createRunningAnswers } from "../../chatstore/static/chatstore/chat/running_answers.js";
import { openPage, strings } from "./page.js";

const reduce = model.createReduce(updated);
const AT = "2026-01-01T00:00:00+00:00";
const thread = { id: "thr_1", created_at: AT };
const said = (text, more = {}) => ({
  id: "msg_2",
  type: "assistant_message",
  created_at: AT,
  content: [{ type: "output_text", text }],
  ...more,
});
const question = {
  id: "msg_1",
  type: "user_message",
  created_at: AT,
  content: [{ type: "input_text", text: "Hello" }],
};
const ended = (is_stopped = false) => ({ type: "answer.ended", is_stopped });

/** An answer that is followed: each response is a list of events, an error in it is thrown, a number is
 * a status without events. `stored` is what the server has. */
function opened({ responses, stored = [question], isOn = true }) {
  const held = { state: model.newConversation("thr_1"), controller: new AbortController() };
  const dispatch = (event) => {
    held.state = reduce(held.state, event);
  };
  dispatch({ type: "loaded", thread, items: [question] });
  dispatch({ type: "turn.began", request: "threads.add_user_message", params: { input: { content: [] } } });
  const asked = [];
  const next = () => {
    const events = responses.shift();
    if (events instanceof Error) throw events;
    return typeof events === "number" ? { status: events, body: null } : { status: 200, events };
  };
  const running = createRunningAnswers({
    isOn,
    url: "/threads/",
    errors,
    idOf: model.idOf,
    isOffline: () => false,
    onError: assert.fail,
    load: async (_conversation, details) => dispatch({ type: "loaded", thread, items: stored, ...details }),
    protocol: {
      async send(address) {
        asked.push(address);
        return next();
      },
      async ask(address, content) {
        asked.push([address, content]);
      },
      async *events(response) {
        for (const event of response.events) {
          if (event instanceof Error) throw event;
          yield event;
        }
      },
    },
  });
  return { held, asked, running, follow: () => running.follow(held, async () => next(), dispatch), dispatch };
}

const added = (text) => ({ type: "thread.item.added", item: said(text) });
const lost = () => new errors.Unreachable("lost");

test("an answer goes on after a lost connection, from where the server is", async () => {
  const { held, asked, follow } = opened({
    responses: [
      [added("one "), lost()],
      [added("one two "), { type: "thread.item.done", item: said("one two three") }, ended()],
    ],
  });
  assert.deepEqual(await follow(), { isStopped: false });
  assert.deepEqual(asked, ["/threads/thr_1/answer/"]);
  assert.deepEqual(
    held.state.entries.map(({ item }) => item.content[0].text),
    ["Hello", "one two three"],
  );
});

test("a stream that ends without its last event is taken for a lost connection", async () => {
  const { follow, asked } = opened({ responses: [[added("one ")], [ended(true)]] });
  assert.deepEqual(await follow(), { isStopped: true });
  assert.equal(asked.length, 1);
});

test("what has ended meanwhile is as the server has stored it", async () => {
  for (const [stored, expected] of [
    [[question, said("whole")], {}],
    [[question, said("half", { ending: "stopped" })], { isStopped: true }],
    [[question, said("half", { ending: "failed" })], { failure: { message: null, status: 0 } }],
  ]) {
    const { held, follow } = opened({ responses: [[added("one "), lost()], 204], stored });
    assert.deepEqual(await follow(), expected);
    assert.deepEqual(held.state.entries[1], { item: stored[1], isLive: false });
  }
});

test("what was lost with its process stays, and is said to have broken off", async () => {
  const { held, follow, dispatch } = opened({ responses: [[added("one "), lost()], 204] });
  dispatch({ type: "turn.ended", ...(await follow()) });
  assert.equal(held.state.entries[1].item.ending, "failed");
  assert.deepEqual(held.state.last.failure, { message: null, status: 0 });
});

test("without an answer it has failed, and can be tried again", async () => {
  const { follow } = opened({ responses: [[lost()], 204] });
  assert.deepEqual(await follow(), { failure: { message: null, status: 0 } });
});

test("an answer of another process is looked for until it has ended", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { held, asked, follow } = opened({ responses: [[lost()], 202, 202, 204], stored: [question, said("whole")] });
  const following = follow();
  for (let looks = 1; looks <= 3; looks++) {
    while (asked.length < looks) await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(held.isElsewhere, looks < 3);
    t.mock.timers.tick(1500);
  }
  assert.deepEqual(await following, {});
});

test("where the server has no such a lost connection is an error", async () => {
  const { follow, asked } = opened({ responses: [[added("one "), lost()]], isOn: false });
  await assert.rejects(follow(), errors.Unreachable);
  assert.deepEqual(asked, []);
  assert.deepEqual(await opened({ responses: [[added("one ")]], isOn: false }).follow(), {});
});

test("it is stopped by a request once it has begun", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { held, asked, running } = opened({ responses: [] });
  held.begun = Promise.resolve();
  await running.stop(held);
  assert.deepEqual(asked, [["/threads/thr_1/stop/", {}]]);
  held.begun = new Promise(() => {});
  const stopping = running.stop(held);
  t.mock.timers.tick(1000);
  await stopping; // which leaves it to the caller to close the connection
  assert.equal(asked.length, 1);
});

test("a loaded page joins an answer without a message of its own", () => {
  let state = reduce(model.newConversation("thr_1"), { type: "loaded", thread, items: [question] });
  state = reduce(state, { type: "turn.began", request: "join", params: {}, isStored: true });
  assert.equal(model.pendingOf(state), null);
  assert.ok(model.isSilent(state));
  state = reduce(state, added("one "));
  state = reduce(state, { type: "turn.ended", isStopped: true });
  assert.equal(state.entries[1].item.ending, "stopped");
});

test("a thread that is answered elsewhere keeps what this page has heard", () => {
  let state = reduce(model.newConversation("thr_1"), { type: "loaded", thread, items: [question] });
  state = reduce(state, { type: "item.changed", item: said("one ") });
  const loaded = { type: "loaded", thread, items: [question] };
  assert.equal(reduce(state, { ...loaded, isAnswering: true }).entries.length, 2);
  assert.equal(reduce(state, loaded).entries.length, 1);
});

/** A page that looks for changes; `answers` are what the server says, one after the other. */
function watched(t, answers) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const page = openPage();
  const heard = { asked: [], answering: [], changed: 0, isFollowed: false, isHidden: false };
  Object.defineProperty(page.window.document, "hidden", { get: () => heard.isHidden });
  const changes = createChanges({
    url: "/changes/",
    async ask(address) {
      heard.asked.push(address);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return { answering: [], ...answer };
    },
    document: page.window.document,
    channel: null,
    shownId: () => "thr_1",
    isOffline: () => false,
    isFollowed: () => heard.isFollowed,
    onAnswering: (ids) => heard.answering.push([...ids]),
    onChanged: () => {
      heard.changed += 1;
    },
  });
  const pass = async (ms) => {
    t.mock.timers.tick(ms);
    await new Promise(setImmediate);
  };
  return { ...page, changes, heard, pass };
}

test("what other tabs change is asked for, and told once", async (t) => {
  const { changes, heard, pass } = watched(t, [{ seen: "a" }, { seen: "a" }, lost(), { seen: "b" }]);
  await changes.look();
  for (let looks = 0; looks < 5; looks++) await pass(1500);
  assert.deepEqual(heard.asked, Array(6).fill("/changes/?thread=thr_1"));
  assert.equal(heard.changed, 1);
});

test("what this page has done itself is no change", async (t) => {
  const { changes, heard, pass } = watched(t, [{ seen: "a" }, { seen: "b" }, { seen: "c" }, { seen: "d" }]);
  await changes.look();
  heard.isFollowed = true;
  await pass(1500);
  heard.isFollowed = false;
  changes.tell({ isStopped: false });
  await pass(0);
  assert.equal(heard.changed, 0);
  changes.tell({ isStopped: true }); // of which the server may have kept more
  await pass(0);
  assert.equal(heard.changed, 1);
});

test("a hidden page does not ask, and an idle one seldom", async (t) => {
  const { window, changes, heard, pass } = watched(t, [{ seen: "a" }]);
  await changes.look();
  heard.isHidden = true;
  await pass(1500);
  await pass(60_000);
  assert.equal(heard.asked.length, 1);
  heard.isHidden = false;
  window.document.dispatchEvent(new window.Event("visibilitychange"));
  await pass(0);
  assert.equal(heard.asked.length, 2);
  assert.deepEqual([0, 59_999, 60_000, 120_000, 10 ** 7].map(waitAfter), [1500, 1500, 3000, 6000, 15_000]);
  await pass(1500); // after a minute without anybody it asks seldom, but at once when somebody comes
  window.document.dispatchEvent(new window.Event("keydown"));
  await pass(0);
  assert.equal(heard.asked.length, 3);
});

test("the list has a sign at what is being answered, with words for a screen reader", () => {
  const { window, dom } = openPage();
  const row = (id) => `<li data-id="${id}"><a><span class="row-title"><bdi>${id}</bdi></span></a></li>`;
  window.document.body.innerHTML = `<div id="thread-list">${row("thr_1")}${row("thr_2")}</div>`;
  const told = [];
  const marks = createAnsweringMarks({
    dom,
    strings,
    onUnknown: (ids) => told.push(["begun", ...ids]),
    onEnded: (ids) => told.push(["ended", ...ids]),
  });
  const titles = () => [...window.document.querySelectorAll(".row-title")].map((node) => node.textContent);
  marks.set(new Set(["thr_2"]));
  marks.draw();
  assert.deepEqual(titles(), ["thr_1", `thr_2${strings.beingAnswered}`]);
  marks.set(new Set(["thr_2"]));
  marks.set(new Set());
  assert.deepEqual(titles(), ["thr_1", "thr_2"]);
  assert.deepEqual(told, [
    ["begun", "thr_2"],
    ["ended", "thr_2"],
  ]);
});
