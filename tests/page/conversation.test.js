import assert from "node:assert/strict";
import { test } from "node:test";
import { joinDrafts } from "../../chatstore/static/chatstore/chat/composer.js";
import * as model from "../../chatstore/static/chatstore/chat/conversation.js";
import { covers, updated } from "../../chatstore/static/chatstore/chat/item_data.js";

const reduce = model.createReduce(updated);
const AT = "2026-01-01T00:00:00+00:00";
const THREAD = { id: "thr_1", created_at: AT, title: "One" };
const question = (id, text = id) => ({
  id,
  type: "user_message",
  created_at: AT,
  content: [{ type: "input_text", text }],
});
const answer = (id, text = id) => ({
  id,
  type: "assistant_message",
  created_at: AT,
  content: [{ type: "output_text", text }],
});
const loaded = (...items) => ({ type: "loaded", thread: THREAD, items, after: "msg_0", hasMore: true });
const began = (params = { input: { content: [{ text: "Hello" }] } }) => ({
  type: "turn.began",
  request: "threads.add_user_message",
  params,
  draft: { text: "Hello", attachments: [] },
});

/** Apply events one after the other to a frozen state: reduce must change nothing in place. */
function play(state, ...events) {
  return events.reduce((before, event) => reduce(freeze(before), freeze(event)), state);
}

function freeze(value) {
  if (typeof value !== "object" || !value || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}

const ids = (state) => state.entries.map(({ item }) => item.id);
const start = () => model.newConversation(null);
const opened = (...items) => play(model.newConversation("thr_1"), loaded(...items));

test("a new conversation gets its thread, its message and an answer that grows", () => {
  const asked = play(start(), began());
  assert.equal(model.pendingOf(asked), asked.turn);
  assert.ok(model.isSilent(asked));
  const state = play(
    asked,
    { type: "thread.created", thread: { ...THREAD, items: { data: [] } } },
    { type: "thread.item.done", item: question("msg_1", "Hello") },
    { type: "thread.item.added", item: answer("msg_2", "") },
    update("msg_2", { type: "assistant_message.content_part.text_delta", content_index: 0, delta: "Hi" }),
    update("msg_2", { type: "assistant_message.content_part.text_delta", content_index: 0, delta: " there" }),
  );
  assert.deepEqual(state.thread, THREAD);
  assert.equal(model.idOf(state), "thr_1");
  assert.equal(model.pendingOf(state), null);
  assert.ok(!model.isSilent(state));
  assert.deepEqual(ids(state), ["msg_1", "msg_2"]);
  assert.equal(state.entries[1].item.content[0].text, "Hi there");
  assert.ok(state.entries[1].isLive);
  const done = play(state, { type: "thread.item.done", item: answer("msg_2", "Hi there.") }, { type: "turn.ended" });
  assert.equal(done.turn, null);
  assert.equal(done.last.failure, null);
  assert.deepEqual(done.entries[1], { item: answer("msg_2", "Hi there."), isLive: false });
});

const update = (item_id, change) => ({ type: "thread.item.updated", item_id, update: change });

test("each kind of update changes its part", () => {
  const task = (title) => ({ type: "custom", title });
  const state = play(
    opened(),
    began(),
    { type: "thread.item.added", item: { id: "wf", type: "workflow", workflow: { tasks: [] } } },
    update("wf", { type: "workflow.task.added", task_index: 0, task: task("a") }),
    update("wf", { type: "workflow.task.added", task_index: 1, task: task("b") }),
    update("wf", { type: "workflow.task.updated", task_index: 0, task: task("A") }),
    { type: "thread.item.added", item: { id: "img", type: "generated_image", image: null } },
    update("img", { type: "generated_image.updated", image: { id: "i", url: "data:image/png;base64," } }),
    { type: "thread.item.added", item: answer("msg", "One") },
    update("msg", { type: "assistant_message.content_part.added", content_index: 1, content: { text: "Two" } }),
    update("msg", {
      type: "assistant_message.content_part.annotation_added",
      content_index: 1,
      annotation_index: 0,
      annotation: { index: 0 },
    }),
    { type: "thread.item.added", item: widget({ type: "Card", children: [{ type: "Text", id: "t", value: "a" }] }) },
    update("w", { type: "widget.streaming_text.value_delta", component_id: "t", delta: "b" }),
  );
  const item = (id) => state.entries.find((entry) => entry.item.id === id).item;
  assert.deepEqual(item("wf").workflow.tasks, [task("A"), task("b")]);
  assert.equal(item("img").image.id, "i");
  assert.deepEqual(item("msg").content[1], { text: "Two", annotations: [{ index: 0 }] });
  assert.equal(item("w").widget.children[0].value, "ab");
  const later = play(
    state,
    update("w", { type: "widget.component.updated", component_id: "t", component: { type: "Title", id: "t" } }),
  );
  assert.equal(later.entries.at(-1).item.widget.children[0].type, "Title");
  const root = play(later, update("w", { type: "widget.root.updated", widget: { type: "ListView" } }));
  assert.deepEqual(root.entries.at(-1).item.widget, { type: "ListView" });
});

const widget = (root) => ({ id: "w", type: "widget", created_at: AT, widget: root });

test("a component within a single child is found too", () => {
  const state = play(
    opened(),
    began(),
    { type: "thread.item.added", item: widget({ type: "Card", children: { type: "Text", id: "t", value: "" } }) },
    update("w", { type: "widget.streaming_text.value_delta", component_id: "t", delta: "x" }),
  );
  assert.equal(state.entries[0].item.widget.children.value, "x");
});

test("an update of an item that is not there, or of a later protocol, changes nothing", () => {
  const state = opened(question("msg_1"));
  assert.equal(play(state, update("msg_9", { type: "widget.root.updated", widget: {} })), state);
  assert.deepEqual(ids(play(state, update("msg_1", { type: "from.the.future" }))), ["msg_1"]);
  assert.equal(play(state, { type: "from.the.future" }), state);
});

test("a stopped answer and a failed one are marked, and nothing else", () => {
  const live = play(
    opened(question("msg_1")),
    began(),
    { type: "thread.item.added", item: answer("msg_2", "Half") },
    { type: "thread.item.added", item: { id: "wf", type: "workflow", workflow: { tasks: [] } } },
  );
  const stopped = play(live, { type: "turn.ended", isStopped: true });
  assert.equal(stopped.entries[1].item.ending, "stopped");
  assert.equal(stopped.entries[2].item.ending, undefined);
  assert.ok(stopped.entries.every(({ isLive }) => !isLive));
  assert.equal(stopped.last.failure, null);
  const failed = play(live, { type: "turn.ended", failure: { message: "No.", status: 500 } });
  assert.equal(failed.entries[1].item.ending, "failed");
  assert.deepEqual(failed.last.failure, { message: "No.", status: 500 });
});

test("a stream that ends in the middle of an answer has failed", () => {
  const state = play(opened(), began(), { type: "thread.item.added", item: answer("msg_2") }, { type: "turn.ended" });
  assert.deepEqual(state.last.failure, { message: null, status: 0 });
});

test("an error event is the turn's failure", () => {
  const error = { type: "error", message: "Full.", allow_retry: false };
  const state = play(opened(), began(), error, { type: "turn.ended" });
  assert.deepEqual(state.last.failure, { message: "Full.", status: 0, mayRetry: false });
});

test("what a retry replaces goes with the answer's first event, and stays if it is refused", () => {
  const before = opened(question("msg_1"), answer("msg_2"), answer("msg_3"));
  const replaced = model.answersTo(before);
  assert.deepEqual(replaced, ["msg_2", "msg_3"]);
  const asked = play(before, { ...began({}), draft: null, replaced });
  const refused = play(asked, { type: "error", message: "Locked." }, { type: "turn.ended" });
  assert.deepEqual(ids(refused), ["msg_1", "msg_2", "msg_3"]);
  const kept = play(asked, { type: "turn.ended", failure: { message: "Locked.", status: 409 } });
  assert.deepEqual(ids(kept), ["msg_1", "msg_2", "msg_3"]);
  const reloaded = play(asked, loaded(question("msg_1"), answer("msg_2"), answer("msg_3")));
  assert.deepEqual(ids(reloaded), ["msg_1", "msg_2", "msg_3"]);
  const begun = play(asked, { type: "progress_update", text: "Looking" });
  assert.deepEqual(ids(begun), ["msg_1"]);
  assert.deepEqual(begun.turn.progress, { icon: undefined, text: "Looking" });
});

test("options, progress and a client tool belong to the turn", () => {
  const call = { id: "tc", type: "client_tool_call", status: "pending", name: "size" };
  const state = play(
    opened(),
    began(),
    { type: "stream_options", stream_options: { allow_cancel: false } },
    { type: "progress_update", text: "Looking", icon: "globe" },
    { type: "thread.item.done", item: call },
  );
  assert.equal(state.turn.isCancellable, false);
  assert.equal(state.turn.progress, null);
  assert.deepEqual(state.turn.tool, call);
  const running = play(state, { type: "tool.began", id: "tc" });
  assert.ok(running.entries[0].isRunning);
  const ended = play(running, { type: "tool.ended", id: "tc" });
  assert.deepEqual(ended.entries[0], { item: { ...call, status: "completed" }, isLive: false });
  assert.equal(play(opened(), { type: "stream_options", stream_options: {} }).turn, null);
});

test("a message that was never stored stays pending until that is settled", () => {
  const failed = play(opened(question("msg_1")), began(), { type: "turn.ended", failure: { status: 500 } });
  assert.equal(model.pendingOf(failed), failed.last);
  assert.equal(model.pendingOf(play(failed, { type: "turn.settled" })), null);
  assert.equal(play(failed, began()).last, null);
  // It had arrived after all.
  const arrived = play(failed, loaded(question("msg_1"), question("msg_2", "Hello")));
  assert.ok(arrived.last.isStored);
  assert.equal(model.pendingOf(arrived), null);
  // The one before it said the same: that is not it.
  const same = play(opened(question("msg_1", "Hello")), began(), { type: "turn.ended", failure: { status: 500 } });
  assert.ok(!play(same, loaded(question("msg_1", "Hello"))).last.isStored);
});

test("loading again takes the server's order, drops what is gone, and keeps what is unchanged", () => {
  const before = opened(question("msg_1"), answer("msg_2"), answer("msg_4"));
  const after = play(before, loaded(answer("msg_2"), answer("msg_3"), answer("msg_4", "changed")));
  assert.deepEqual(ids(after), ["msg_1", "msg_2", "msg_3", "msg_4"]);
  assert.equal(after.entries[1], before.entries[1]);
  assert.equal(after.entries[3].item.content[0].text, "changed");
  assert.deepEqual(ids(play(after, loaded(answer("msg_2")))), ["msg_1", "msg_2"]);
});

test("loading again with none of them known starts anew: there may be a gap", () => {
  const before = play(opened(question("msg_1")), { type: "earlier", items: [], after: null, hasMore: false });
  assert.ok(!before.hasMore);
  const after = play(before, loaded(question("msg_8"), answer("msg_9")));
  assert.deepEqual(ids(after), ["msg_8", "msg_9"]);
  assert.ok(after.hasMore);
});

test("loading while an answer streams loses nothing of it", () => {
  const live = play(
    opened(question("msg_1")),
    began(),
    { type: "thread.item.done", item: question("msg_2") },
    { type: "thread.item.added", item: answer("msg_3", "Half") },
  );
  // What was asked for before the message was stored, and what was asked for after.
  assert.deepEqual(ids(play(live, loaded(question("msg_1")))), ["msg_1", "msg_2", "msg_3"]);
  const later = play(live, loaded(question("msg_1"), question("msg_2"), answer("msg_3", "")));
  assert.deepEqual(ids(later), ["msg_1", "msg_2", "msg_3"]);
  assert.equal(later.entries[2].item.content[0].text, "Half");
});

test("earlier items come first, once", () => {
  const state = play(opened(question("msg_3")), {
    type: "earlier",
    items: [question("msg_1"), answer("msg_2"), question("msg_3")],
    after: null,
    hasMore: false,
  });
  assert.deepEqual(ids(state), ["msg_1", "msg_2", "msg_3"]);
  assert.deepEqual([state.after, state.hasMore], [null, false]);
});

test("items are removed, replaced in place and changed", () => {
  const state = play(
    opened(question("msg_1"), answer("msg_2"), answer("msg_3")),
    { type: "thread.item.removed", item_id: "msg_3" },
    { type: "thread.item.replaced", item: answer("msg_2", "new") },
    { type: "item.changed", item: question("msg_1", "other") },
    { type: "thread.changed", thread: { ...THREAD, status: { type: "locked" } } },
  );
  assert.deepEqual(ids(state), ["msg_1", "msg_2"]);
  assert.equal(state.entries[1].item.content[0].text, "new");
  assert.equal(model.lastOf(state, "user_message").content[0].text, "other");
  assert.ok(!model.isActive(state));
});

test("what covers another has all that it says", () => {
  assert.ok(covers({ b: [1, { c: 2 }], a: 1, more: true }, { a: 1, b: [1, { c: 2 }] }));
  assert.ok(!covers({ a: 1 }, { a: 1, b: 2 }));
  assert.ok(!covers([1, 2], [1]));
  assert.ok(!covers({}, JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}')));
});

const draft = (text) => ({ text, attachments: [], quoted: null });
const waits = (one) => ({ type: "waiting.added", draft: one });

test("messages wait for the end of the answer, in their order", () => {
  const [first, second, third] = ["one", "two", "three"].map(draft);
  const asked = play(opened(), began(), waits(first), waits(second), waits(third));
  assert.equal(model.nextWaiting(asked), null); // an answer is under way
  const edited = play(asked, { type: "waiting.removed", draft: second });
  assert.deepEqual(edited.waiting, [first, third]);
  const ended = play(edited, { type: "turn.ended" });
  assert.equal(model.nextWaiting(ended), first);
  const sent = play(ended, { type: "waiting.removed", draft: first }, began());
  assert.equal(model.nextWaiting(sent), null);
  assert.equal(model.nextWaiting(play(sent, { type: "turn.ended" })), third);
  assert.deepEqual(play(sent, { type: "waiting.emptied" }).waiting, []);
});

test("two messages that say the same both wait", () => {
  const [one, same] = [draft("again"), draft("again")];
  const asked = play(opened(), began(), waits(one), waits(same), { type: "waiting.removed", draft: same });
  assert.equal(asked.waiting.length, 1);
  assert.equal(asked.waiting[0], one);
});

test("nothing is sent by itself after an answer that failed or was stopped, nor in a locked thread", () => {
  const asked = play(opened(), began(), waits(draft("next")));
  const failed = play(asked, { type: "turn.ended", failure: { message: "No.", status: 500 } });
  assert.equal(model.nextWaiting(failed), null);
  assert.equal(failed.waiting.length, 1);
  const again = play(failed, began(), { type: "turn.ended" });
  assert.equal(model.nextWaiting(again), failed.waiting[0]);
  assert.equal(model.nextWaiting(play(asked, { type: "turn.ended", isStopped: true })), null);
  const error = { type: "error", message: "Full." };
  assert.equal(model.nextWaiting(play(asked, error, { type: "turn.ended" })), null);
  const lock = { type: "thread.changed", thread: { ...THREAD, status: { type: "locked" } } };
  assert.equal(model.nextWaiting(play(asked, lock, { type: "turn.ended" })), null);
});

test("messages wait for a tool of the page too, and for the answer to its output", () => {
  const call = { id: "tc", type: "client_tool_call", status: "pending", name: "size" };
  const ended = play(
    opened(),
    began(),
    waits(draft("next")),
    { type: "thread.item.done", item: call },
    {
      type: "turn.ended",
    },
  );
  assert.equal(model.nextWaiting(ended), null); // the tool is about to run
  const running = play(ended, { type: "tool.began", id: "tc" });
  assert.equal(model.nextWaiting(running), null);
  const done = play(
    running,
    { type: "tool.ended", id: "tc" },
    { type: "turn.began", request: "threads.add_client_tool_output" },
  );
  assert.equal(model.nextWaiting(done), null);
  assert.equal(model.nextWaiting(play(done, { type: "turn.ended" })).text, "next");
});

test("several drafts become one, with all that they have", () => {
  const file = { id: "atc_1" };
  const joined = joinDrafts([
    null,
    { text: "One", attachments: [], quoted: null },
    { text: "", attachments: [file], quoted: "Words" },
    { text: "Two", attachments: [file], quoted: "Others", entities: [{ id: "1", title: "One" }] },
    { text: "", attachments: [], quoted: null, inference_options: { model: "large" } },
  ]);
  const { text, attachments, quoted, entities, inference_options } = joined;
  assert.deepEqual({ text, attachments, quoted }, { text: "One\n\nTwo", attachments: [file, file], quoted: "Words" });
  assert.deepEqual([entities, inference_options], [[{ id: "1", title: "One" }], { model: "large" }]);
  assert.deepEqual(joinDrafts([undefined]), {
    text: "",
    attachments: [],
    quoted: null,
    entities: [],
    inference_options: undefined,
  });
});
