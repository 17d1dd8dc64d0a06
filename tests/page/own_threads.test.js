import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { JSDOM } from "jsdom";
import * as addresses from "../../chatstore/static/chatstore/chat/addresses.js";
import * as answer_text from "../../chatstore/static/chatstore/chat/answer_text.js";
import * as answers from "../../chatstore/static/chatstore/chat/answers.js";
import * as chart from "../../chatstore/static/chatstore/chat/chart.js";
import * as chart_geometry from "../../chatstore/static/chatstore/chat/chart_geometry.js";
import * as code_blocks from "../../chatstore/static/chatstore/chat/code_blocks.js";
import * as conversation from "../../chatstore/static/chatstore/chat/conversation.js";
import { createConversations } from "../../chatstore/static/chatstore/chat/conversations.js";
import * as diagrams from "../../chatstore/static/chatstore/chat/diagrams.js";
import * as dialect from "../../chatstore/static/chatstore/chat/dialect.js";
import { createDom } from "../../chatstore/static/chatstore/chat/dom.js";
import * as feedback from "../../chatstore/static/chatstore/chat/feedback.js";
import * as footnotes from "../../chatstore/static/chatstore/chat/footnotes.js";
import * as formulas from "../../chatstore/static/chatstore/chat/formulas.js";
import * as item_data from "../../chatstore/static/chatstore/chat/item_data.js";
import * as items from "../../chatstore/static/chatstore/chat/items.js";
import * as library from "../../chatstore/static/chatstore/chat/library.js";
import * as limits from "../../chatstore/static/chatstore/chat/limits.js";
import * as markdown from "../../chatstore/static/chatstore/chat/markdown.js";
import { createOwnThreads } from "../../chatstore/static/chatstore/chat/own_threads.js";
import * as plain_text from "../../chatstore/static/chatstore/chat/plain_text.js";
import * as questions from "../../chatstore/static/chatstore/chat/questions.js";
import { createSearch } from "../../chatstore/static/chatstore/chat/search.js";
import { createShareDialog } from "../../chatstore/static/chatstore/chat/share_dialog.js";
import { createSharedItems } from "../../chatstore/static/chatstore/chat/shared_items.js";
import * as sources from "../../chatstore/static/chatstore/chat/sources.js";
import * as steps from "../../chatstore/static/chatstore/chat/steps.js";
import { createTemporary } from "../../chatstore/static/chatstore/chat/temporary.js";
import { createText } from "../../chatstore/static/chatstore/chat/text.js";
import * as theme_switch from "../../chatstore/static/chatstore/chat/theme_switch.js";
import * as thinking from "../../chatstore/static/chatstore/chat/thinking.js";
import { createThreadActs } from "../../chatstore/static/chatstore/chat/thread_acts.js";
import { createThreads } from "../../chatstore/static/chatstore/chat/threads.js";
import * as widget_fields from "../../chatstore/static/chatstore/chat/widget_fields.js";
import * as widget_style from "../../chatstore/static/chatstore/chat/widget_style.js";
import * as widgets from "../../chatstore/static/chatstore/chat/widgets.js";
import * as marked from "../../chatstore/static/chatstore/vendor/marked.esm.js";
import createDOMPurify from "../../chatstore/static/chatstore/vendor/purify.min.js";
import { BASE, load, settle, strings } from "./page.js";

/** A document with these elements, by their ids. */
function open(html) {
  const { window } = new JSDOM(`<!doctype html><body>${html}</body>`, { url: BASE });
  globalThis.document = window.document;
  globalThis.CSS = { escape: (text) => text };
  globalThis.HTMLElement = window.HTMLElement;
  globalThis.IntersectionObserver = class {
    observe() {}
    disconnect() {}
  };
  return { window, dom: createDom(window.document), text: createText(strings, "en") };
}

const thread = (id, day) => ({ id, title: id, created_at: `2026-01-0${day}T12:00:00Z`, status: { type: "active" } });

/** The list, whose server has these threads by list, and answers when the promise `until()` is kept. */
async function openList(lists, { ask = null, until = () => null } = {}) {
  const page = open(
    `<button id="new"></button><input id="search"><div id="thread-list"></div><p id="no-threads"></p>
     <button id="more-threads"></button><button id="archived"></button>`,
  );
  const [asked, followed, announced] = [[], [], []];
  const answer = async (name) => {
    asked.push(name);
    await until();
    return { data: lists[name] ?? [], has_more: false };
  };
  const search =
    ask &&
    createSearch({
      ...page,
      ask,
      addressOf: (id, message) => `?thread=${id}&message=${message}`,
      onFollow: (event, ...hit) => {
        event.preventDefault();
        followed.push(hit);
      },
      onFound: () => threads.draw(),
      announce: (message) => announced.push(message),
      onError: (error) => assert.fail(error),
    });
  const threads = createThreads({
    ...page,
    excerpt: () => "",
    createPreviews: () => ({ of: () => "", want() {}, set() {}, refresh() {}, resume() {} }),
    call: () => assert.fail("the server has a list of its own"),
    own: { list: answer },
    search,
    isOffline: () => false,
    shown: () => null,
    addressOf: (id) => `?thread=${id}`,
    onFollow() {},
    onMenu() {},
    onDrawn() {},
    onError: (error) => assert.fail(error),
  });
  await threads.reload();
  const shown = () =>
    [...page.dom.$("thread-list").querySelectorAll("h2, li")].map((node) => node.dataset.id ?? node.textContent);
  const view = async () => {
    page.dom.$("archived").click();
    await new Promise(setImmediate);
  };
  return { ...page, threads, asked, shown, view, followed, announced };
}

test("pinned threads come first, and are not repeated", async () => {
  const lists = { recent: [thread("c", 3), thread("b", 2), thread("a", 1)], pinned: [thread("a", 1)] };
  const { shown, threads } = await openList(lists);
  assert.deepEqual(shown().slice(0, 2), ["Pinned", "a"]);
  assert.deepEqual(shown().slice(3), ["c", "b"]);
  threads.setPinned(thread("b", 2), true);
  assert.deepEqual(shown().slice(0, 3), ["Pinned", "b", "a"]);
  threads.put({ id: "a", title: "New", created_at: "2026-01-01T12:00:00Z" });
  assert.equal(threads.find("a").title, "New");
  threads.setPinned(thread("b", 2), false);
  threads.drop("a");
  assert.deepEqual(shown().slice(1), ["c", "b"]);
});

test("the last active comes first, whatever was created when", async () => {
  const active = (id, day, hour) => ({ ...thread(id, day), updated_at: `2026-01-09T${hour}:00:00Z` });
  const { shown, threads, dom } = await openList({ recent: [active("a", 1, 12), active("b", 2, 11)] });
  assert.deepEqual(shown().slice(1), ["a", "b"]);
  threads.put({ ...thread("b", 2), updated_at: "2026-01-09T13:00:00Z" });
  assert.deepEqual(shown().slice(1), ["b", "a"]);
  threads.put({ ...thread("b", 2), title: "New" }); // what is not said of it stays
  threads.put({ ...thread("b", 2), title: "New", updated_at: "2026-01-09T10:00:00Z" });
  assert.deepEqual(shown().slice(1), ["b", "a"]);
  threads.put(thread("c", 3)); // from further down
  assert.deepEqual(shown().slice(1), ["b", "a", "c"]);
  assert.equal(dom.$("thread-list").querySelector("time").getAttribute("datetime"), "2026-01-09T13:00:00Z");
});

test("a title that the server gives is shown at once", async () => {
  const { threads, dom } = await openList({ recent: [{ ...thread("a", 1), title: "First words" }] });
  threads.put({ ...thread("a", 1), title: "A title" }); // as turns.js does with thread.updated
  assert.equal(dom.$("thread-list").querySelector("bdi").textContent, "A title");
});

test("a list that has not come is busy, and is not said to be empty", async () => {
  let held = null;
  let answer;
  const hold = () => {
    held = new Promise((done) => {
      answer = done;
    });
  };
  const { threads, dom } = await openList({ recent: [thread("a", 1)] }, { until: () => held });
  const list = () => [dom.$("thread-list").getAttribute("aria-busy"), dom.$("no-threads").hidden];
  assert.deepEqual(list(), [null, true]);
  hold();
  dom.$("archived").click();
  assert.deepEqual(list(), ["true", true]);
  answer();
  await new Promise(setImmediate);
  assert.deepEqual(list(), [null, false]);
  hold();
  const reloaded = threads.reload();
  assert.deepEqual(list(), ["true", false]); // it was empty, as far as is known
  answer();
  await reloaded;
  assert.deepEqual(list(), [null, false]);
});

/** A list in which one searches, and the timers of it. */
async function openSearch(pages) {
  const asked = [];
  const ask = async (...request) => {
    asked.push(request);
    return pages.shift();
  };
  const page = await openList({ recent: [thread("apple", 2), thread("pear", 1)] }, { ask });
  const type = async (words) => {
    const input = page.dom.$("search");
    input.value = words;
    input.dispatchEvent(new page.window.Event("input"));
    mock.timers.tick(300);
    await settle();
  };
  return { ...page, asked, type };
}
const hit = (id, ...excerpt) => ({
  thread_id: "pear",
  item_id: id,
  title: "Pears",
  created_at: "2026-01-01T12:00:00Z",
  excerpt,
});

test("titles come first, then hits in messages, with the words marked", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const pages = [
    {
      threads: [thread("apple pie", 1)],
      data: [hit("m1", ["<i>An ", false], ["apple", true], ["</i>", false])],
      after: "1_f",
    },
    { threads: [], data: [hit("m2", ["apple", true])], after: null },
  ];
  const { dom, type, asked, shown, followed, announced } = await openSearch(pages);
  const list = dom.$("thread-list");
  await type("apple");
  assert.deepEqual(asked, [["apple", null]]);
  assert.deepEqual(
    shown().filter((name) => /apple/.test(name) || name === strings.inMessages),
    ["apple", "apple pie", strings.inMessages, list.querySelector(".hit").textContent],
  );
  assert.equal(list.querySelector(".hit .row-excerpt").textContent, "<i>An apple</i>");
  assert.deepEqual(
    [...list.querySelectorAll("mark")].map((mark) => mark.textContent),
    ["apple"],
  );
  assert.equal(list.querySelector("i"), null);
  assert.deepEqual(announced, ["1 message found."]);
  list.querySelector(".hit a").click();
  assert.deepEqual(followed, [["pear", "m1"]]);
  assert.equal(dom.$("more-threads").hidden, false);
  dom.$("more-threads").click();
  await settle();
  assert.deepEqual(asked.at(-1), ["apple", "1_f"]);
  assert.equal(list.querySelectorAll(".hit").length, 2);
  assert.equal(dom.$("more-threads").hidden, true);
  await type("");
  assert.deepEqual(shown().slice(1), ["apple", "pear"]);
  mock.timers.reset();
});

test("a thread that only the search knows is renamed and deleted where it stands", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const found = thread("apple pie", 1);
  const { dom, threads, type, shown } = await openSearch([
    { threads: [found], data: [{ ...hit("m1", ["apple", true]), thread_id: found.id }], after: null },
  ]);
  const alerts = { announce() {}, showError: assert.fail };
  const conversations = createConversations({
    dom,
    strings,
    model: conversation,
    reduce: conversation.createReduce(item_data.updated),
    threads,
    alerts,
    first: null,
  });
  const acts = createThreadActs({
    strings,
    model: conversation,
    call: async (_type, { thread_id: id, title }) => ({ id, title }),
    own: null,
    threads,
    conversations,
    alerts,
    setAddress() {},
  });
  await type("apple");
  await acts.rename(found, "Cake");
  const titles = () => [...dom.$("thread-list").querySelectorAll(".row-title")].map((node) => node.textContent);
  assert.deepEqual(titles(), ["apple", "Cake", "Cake"]);
  threads.put(thread("pear", 1)); // the list is drawn again, as an answer does
  dom.$("search").value = "";
  threads.draw();
  assert.deepEqual(shown().slice(1), ["apple", "pear"]); // the other may be an archived one
  dom.$("search").value = "apple";
  await acts.remove(found);
  assert.deepEqual(titles(), ["apple"]);
  await type("");
  mock.timers.reset();
});

test("an answer to words that are no longer searched for is left out", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { dom, type } = await openSearch([
    new Promise((resolve) => setImmediate(() => setImmediate(resolve), 0)).then(() => ({
      threads: [],
      data: [hit("late", ["a", true])],
    })),
    { threads: [], data: [], after: null },
  ]);
  await type("a");
  await type("nothing");
  await settle();
  await settle();
  assert.equal(dom.$("thread-list").querySelector(".hit"), null);
  assert.equal(dom.$("no-threads").textContent, strings.nothingFound);
  mock.timers.reset();
});

test("the arrow keys lead from the field through what was found, and back", async () => {
  const { dom, window } = await openList({ recent: [thread("b", 2), thread("a", 1)] });
  const press = (key) =>
    window.document.activeElement.dispatchEvent(new window.KeyboardEvent("keydown", { key, bubbles: true }));
  const at = () => window.document.activeElement.closest("li")?.dataset.id ?? window.document.activeElement.id;
  dom.$("search").focus();
  const places = ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowUp"].map((key) => {
    press(key);
    return at();
  });
  assert.deepEqual(places, ["b", "a", "a", "b", "search", "search"]);
});

test("the archived ones are a list of their own", async () => {
  const { dom, shown, threads, view, asked } = await openList({ recent: [thread("b", 2)], archived: [thread("a", 1)] });
  await view();
  assert.deepEqual(shown().slice(1), ["a"]);
  assert.equal(dom.$("archived").getAttribute("aria-pressed"), "true");
  assert.equal(threads.listingOf("a"), "archived");
  threads.setListing("a", "");
  assert.deepEqual(shown(), []);
  assert.equal(dom.$("no-threads").textContent, strings.noArchived);
  await view();
  assert.deepEqual(shown().slice(1), ["b"]);
  assert.deepEqual(asked, ["recent", "pinned", "archived", "pinned", "recent", "pinned"]);
});

test("a temporary thread and an archived one are not put into the list", async () => {
  const { shown, threads } = await openList({ recent: [thread("b", 2)] });
  threads.setListing("t", "temporary");
  threads.put(thread("t", 3));
  threads.setListing("b", "archived");
  threads.put(thread("b", 2));
  assert.deepEqual(shown(), []);
  threads.setListing("b", "");
  threads.put(thread("b", 2));
  assert.deepEqual(shown().slice(1), ["b"]);
});

test("each request names the thread in its path", async () => {
  const asked = [];
  const own = createOwnThreads({
    url: "/chat/threads/",
    searchUrl: "/chat/search/",
    commentUrl: "/chat/feedback/",
    ask: async (...request) => asked.push(request),
  });
  await own.list("pinned");
  await own.list("archived", { limit: 30, after: "thr/1" });
  await own.state("thr/1");
  await own.change("thr_1", { pinned: true });
  await own.search("a & b", "1_f");
  await own.comment({ thread_id: "thr_1", id: "msg_1" }, "Wrong.");
  assert.deepEqual(asked, [
    ["/chat/threads/?list=pinned"],
    ["/chat/threads/?list=archived&limit=30&after=thr%2F1"],
    ["/chat/threads/thr%2F1/"],
    ["/chat/threads/thr_1/", { pinned: true }],
    ["/chat/search/?q=a+%26+b&after=1_f"],
    ["/chat/feedback/", { thread_id: "thr_1", item_id: "msg_1", comment: "Wrong." }],
  ]);
  assert.equal(own.exportUrl("thr/1", "json"), "/chat/threads/thr%2F1/export/?format=json");
});

test("temporary is chosen for one new conversation, and said above it", () => {
  const { dom, text } = open(
    `<p id="temporary-choice"><button id="temporary"></button></p><p id="temporary-note"><span id="temporary-text"></span></p>`,
  );
  const temporary = createTemporary({ dom, sayCount: text.sayCount, hours: 24 });
  const isHidden = () => [dom.$("temporary-choice").hidden, dom.$("temporary-note").hidden];
  const first = {};
  temporary.draw(first, { isNew: true, isTemporary: false });
  assert.deepEqual(isHidden(), [false, true]);
  dom.$("temporary").click();
  assert.ok(temporary.isOn());
  assert.deepEqual(isHidden(), [false, false]);
  assert.match(dom.$("temporary-text").textContent, /deleted 24 hours after.*Moderators can read it/);
  temporary.draw(first, { isNew: false, isTemporary: true });
  assert.deepEqual(isHidden(), [true, false]);
  temporary.draw(first, { isNew: true, isTemporary: false }); // its first message was refused
  assert.ok(temporary.isOn());
  temporary.draw({}, { isNew: true, isTemporary: false });
  assert.ok(!temporary.isOn());
  assert.deepEqual(isHidden(), [false, true]);
});

test("without temporary conversations there is no switch", () => {
  const { dom, text } = open(
    `<p id="temporary-choice"><button id="temporary"></button></p><p id="temporary-note"><span id="temporary-text"></span></p>`,
  );
  createTemporary({ dom, sayCount: text.sayCount, hours: 0 }).draw({}, { isNew: true, isTemporary: false });
  assert.ok(dom.$("temporary-choice").hidden);
});

test("a link is shown once, when it is made", async () => {
  const { dom, text, window } = open(
    `<dialog id="share-dialog"><p id="share-state"></p><p id="share-link"><input id="share-url"></p>
     <button id="share-end"></button><button id="share-copy"></button><button id="share-make"></button></dialog>`,
  );
  window.HTMLDialogElement.prototype.showModal = () => {};
  const changes = [];
  let shared_at = null;
  const own = {
    state: async () => ({ shared_at }),
    async change(_id, { shared }) {
      changes.push(shared);
      shared_at = shared ? "2026-01-01T12:00:00Z" : null;
      return { shared_at, ...(shared && { link: "/chat/shared/x/" }) };
    },
  };
  const dialog = createShareDialog({ dom, text, own, announce() {}, onError: (error) => assert.fail(error) });
  const press = async (id) => {
    dom.$(id).click();
    await new Promise(setImmediate);
  };
  await dialog.open({ id: "thr_1" });
  assert.equal(dom.$("share-state").textContent, strings.notShared);
  assert.ok(dom.$("share-link").hidden && dom.$("share-end").hidden);
  await press("share-make");
  assert.equal(dom.$("share-url").value, "https://chat.example/chat/shared/x/");
  assert.ok(!dom.$("share-link").hidden && !dom.$("share-end").hidden);
  await dialog.open({ id: "thr_1" });
  assert.ok(dom.$("share-link").hidden);
  assert.equal(dom.$("share-url").value, "");
  assert.equal(dom.$("share-make").textContent, strings.renewLink);
  await press("share-end");
  assert.deepEqual(changes, [true, false]);
});

/** What draws the items of a shared conversation. */
function openShared() {
  const { window, dom, text } = open("");
  globalThis.matchMedia = () => ({ matches: false });
  globalThis.localStorage = window.localStorage;
  const modules = { addresses, answer_text, answers, item_data, dialect, feedback, items, limits, markdown };
  Object.assign(modules, { chart, chart_geometry, code_blocks, diagrams, footnotes, formulas, library });
  Object.assign(modules, { marked, plain_text, purify: { default: createDOMPurify(window) }, sources });
  Object.assign(modules, { steps, theme_switch, thinking });
  const later = {
    widgets: async () => ({ widgets, styles: widget_style, fields: widget_fields }),
    questions: async () => questions,
  };
  return createSharedItems(modules, { dom, text, load: { ...load, ...later } }).draw;
}

test("formulas and code of a shared conversation are drawn", async () => {
  const said = "\\(x^2\\)\n\n```python\nx = 1\n```\n\n```mermaid\ngraph TD\n```";
  const content = [{ type: "output_text", text: said, annotations: [] }];
  const node = await openShared()({ id: "1", type: "assistant_message", created_at: "2026-01-01T12:00:00Z", content });
  await settle();
  await settle();
  assert.ok(node.querySelector("math"));
  assert.ok(node.querySelector(".hljs-number"));
  assert.equal(node.querySelector("button:enabled, iframe"), null);
});

test("a shared conversation fetches nothing and runs nothing", async () => {
  const draw = openShared();
  const base = { created_at: "2026-01-01T12:00:00Z", thread_id: "" };
  const said =
    "![x](https://evil.example/x.png) ![y](/chat/files/1/) <img src=/y onerror=alert(1)> <script>alert(1)</script> [a](javascript:alert(1)) **bold**";
  const items = [
    { ...base, id: "1", type: "assistant_message", content: [{ type: "output_text", text: said, annotations: [] }] },
    {
      ...base,
      id: "2",
      type: "user_message",
      content: [{ type: "input_text", text: "<b>words</b>" }],
      attachments: [{ id: "", type: "file", name: "picture.png", mime_type: "image/png" }],
    },
    { ...base, id: "3", type: "generated_image" },
    {
      ...base,
      id: "4",
      type: "widget",
      widget: {
        type: "Card",
        asForm: true,
        confirm: { label: "Send", action: { type: "send" } },
        children: [
          { type: "Image", src: "/chat/files/1/" },
          { type: "Button", label: "Press", onClickAction: { type: "p" } },
        ],
      },
    },
  ];
  const drawn = await Promise.all(items.map(draw));
  for (const node of drawn) {
    assert.equal(node.querySelector("img, script, iframe, [onerror], [href^='javascript:']"), null);
  }
  assert.equal(drawn[0].querySelector("strong").textContent, "bold");
  assert.match(drawn[1].textContent, /<b>words<\/b>/);
  assert.match(drawn[1].textContent, /picture\.png/);
  for (const node of drawn) {
    assert.equal(node.querySelector(".actions button"), null);
    for (const control of node.querySelectorAll("button, input, select, textarea")) assert.ok(control.disabled);
  }
  assert.match(drawn[3].textContent, /Press/);
});
