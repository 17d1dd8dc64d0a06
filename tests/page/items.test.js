import assert from "node:assert/strict";
import { test } from "node:test";
import { createItems } from "../../chatstore/static/chatstore/chat/items.js";
import { createPlainText, wordsOf } from "../../chatstore/static/chatstore/chat/plain_text.js";
import { createSteps } from "../../chatstore/static/chatstore/chat/steps.js";
import { createThoughtfulText, splitThought } from "../../chatstore/static/chatstore/chat/thinking.js";
import { openPage, settle, strings } from "./page.js";

const AT = "2026-01-01T00:00:00+00:00";

/** A page that draws items; its widgets are drawn by `drawWidget`. */
function setUp(drawWidget, loading = () => null) {
  const page = openPage();
  const { dom, text, AnswerText, budget, mayShowImage } = page;
  const drawn = [];
  const markdown = (source) => {
    drawn.push(source);
    return page.window.document.createTextNode(source);
  };
  const ItemView = createItems({
    dom,
    text,
    PartText: createThoughtfulText({ dom, strings, AnswerText }),
    splitThought,
    budget,
    wordsOf,
    plainText: createPlainText({ dom, strings }),
    sources: { annotated: () => assert.fail(), sourceList: () => null },
    steps: createSteps({ dom, text, markdown, sourceLink: () => null, runTool() {} }),
    drawWidget: (item) => drawWidget(item, page),
    drawQuestions: () => null,
    loading,
    thumbs: () => [],
    reportButton: () => null,
    editButton: () => page.dom.el("button", { class: "edit-message" }),
    tag: ({ title }) => dom.el("span", { class: "tag", text: `@${title}` }),
    copyButton: (copied) => dom.el("button", { "data-copied": copied() }),
    onQuote() {},
    linkAddress: (address) => address,
    fileAddress: (id) => `/files/${id}/`,
    mayShowImage,
    covers: (fresh, old) => JSON.stringify(fresh) === JSON.stringify(old),
    nextFrame: (run) => page.frames.push(run),
  });
  const frame = () => {
    for (const run of page.frames.splice(0)) run();
  };
  return { ItemView, page, frame, drawn };
}

const answer = (text) => ({ id: "msg", type: "assistant_message", created_at: AT, content: [{ text }] });
const widget = (value) => ({ id: "w", type: "widget", created_at: AT, widget: { type: "Card", value } });

test("an item that can't be drawn shows its words, why, and a button that tries again", () => {
  let isBroken = true;
  const { ItemView, page } = setUp(({ widget: { value } }, { dom, budget }) => {
    if (isBroken) budget.spend(Infinity);
    return dom.el("div", { class: "widget", text: value });
  });
  const view = new ItemView({ item: widget("Words"), isLive: false });
  assert.equal(view.node.querySelector("pre").textContent, "Words");
  assert.match(view.node.textContent, /too much to format/);
  isBroken = false;
  view.node.querySelector("button").click();
  assert.equal(view.node.querySelector(".widget").textContent, "Words");
  assert.ok(page.budget.run(() => true));
});

test("an item is drawn when what draws it is there; where that can't be loaded, its words, and a button", async () => {
  const states = [Promise.reject(new Error("no network")), Promise.resolve(), null];
  const { ItemView, page } = setUp(
    ({ widget: { value } }, { dom }) => dom.el("div", { class: "widget", text: value }),
    () => states.shift() ?? null,
  );
  const { node } = new ItemView({ item: widget("Words"), isLive: false });
  assert.equal(node.textContent, "");
  await settle();
  assert.equal(node.querySelector("pre").textContent, "Words");
  node.querySelector("button").click();
  await settle();
  assert.equal(node.querySelector(".widget").textContent, "Words");
  assert.equal(node.querySelector("pre"), null);
  assert.ok(page.budget.run(() => true));
});

test("what fails for good has no button, and other items are drawn", () => {
  const { ItemView } = setUp(() => {
    throw new RangeError("Maximum call stack size exceeded");
  });
  const view = new ItemView({ item: widget("Words"), isLive: false });
  view.node.querySelector("button").click();
  assert.match(view.node.textContent, /can’t be formatted/);
  assert.equal(view.node.querySelector("button"), null);
  const other = new ItemView({ item: answer("*fine*"), isLive: false });
  assert.ok(other.node.querySelector("em"));
});

test("an item of a type that this page doesn't know, or without a time, is shown all the same", () => {
  const { ItemView } = setUp(() => assert.fail());
  for (const type of ["from_the_future", "constructor", "__proto__"]) {
    const view = new ItemView({ item: { id: "x", type, created_at: AT }, isLive: false });
    assert.match(view.node.textContent, /can’t show this part/);
  }
  const view = new ItemView({ item: { ...answer("words"), created_at: "never" }, isLive: false });
  assert.match(view.node.textContent, /words/);
});

test("a text that grows is looked at once a frame, and drawn whole when it is done", () => {
  const { ItemView, page, frame } = setUp();
  const view = new ItemView({ item: answer(""), isLive: true });
  for (const text of ["a", "a *b", "a *b*"]) view.update({ item: answer(text), isLive: true });
  assert.equal(page.frames.length, 2); // one of the item, one of its text
  frame();
  frame();
  assert.equal(view.node.querySelector(".prose").innerHTML.trim(), '<p dir="auto">a <em>b</em></p>');
  assert.equal(view.node.querySelector(".actions"), null);
  const prose = view.node.querySelector(".prose");
  view.update({ item: answer("a *b* c"), isLive: false });
  assert.equal(view.node.querySelector(".prose"), prose);
  assert.equal(prose.textContent.trim(), "a b c");
  assert.ok(view.node.querySelector(".actions"));
});

test("reasoning appears while it is written, and stays open once opened", () => {
  const { ItemView, frame } = setUp();
  const view = new ItemView({ item: answer(""), isLive: true });
  view.update({ item: answer("<think>Hm"), isLive: true });
  frame();
  const details = view.node.querySelector("details");
  details.open = true;
  view.update({ item: answer("<think>Hm</think>So"), isLive: true });
  frame();
  assert.ok(view.node.querySelector("details").open);
  view.update({ item: answer("<think>Hm</think>So."), isLive: false });
  assert.equal(view.node.querySelector("details .prose").textContent.trim(), "Hm");
  assert.equal(view.node.querySelector(":scope > .prose").textContent.trim(), "So.");
});

test("a workflow that grows is folded by its reader, and draws only what is new, once a frame", () => {
  const { ItemView, page, frame, drawn } = setUp();
  let tasks = [{ type: "thought", content: "first" }];
  const entry = (more = {}) => ({
    item: { id: "w", type: "workflow", created_at: AT, workflow: { tasks, ...more } },
    isLive: true,
  });
  const view = new ItemView(entry());
  page.window.document.body.append(view.node);
  const details = view.node.querySelector("details");
  details.open = false;
  const summary = view.node.querySelector("summary");
  summary.tabIndex = 0; // which a browser's is
  summary.focus();
  for (const content of ["s", "se", "second"]) {
    tasks = [tasks[0], { type: "thought", content }];
    view.update(entry());
  }
  frame();
  assert.deepEqual(drawn, ["first", "second"]);
  assert.equal(view.node.querySelector("details"), details);
  assert.equal(details.open, false);
  assert.equal(page.window.document.activeElement, summary);
  tasks = tasks.slice(1);
  view.update(entry({ summary: { title: "Done" } }));
  frame();
  assert.equal(details.textContent, "DoneThoughtsecond");
  view.update({ ...entry({ expanded: true }), isLive: false });
  assert.equal(view.node.querySelector("details").open, true);
});

test("a widget that looks the same is left alone: somebody may be filling it in", () => {
  const { ItemView } = setUp(({ widget: { value } }, { dom }) => dom.el("input", { value }));
  const view = new ItemView({ item: widget("a"), isLive: false });
  const input = view.node.querySelector("input");
  view.update({ item: widget("a"), isLive: false });
  assert.equal(view.node.querySelector("input"), input);
  view.update({ item: widget("b"), isLive: false });
  assert.notEqual(view.node.querySelector("input"), input);
});

test("a generated picture of another host is a link", () => {
  const { ItemView } = setUp();
  const item = (url) => ({ id: "i", type: "generated_image", created_at: AT, image: { id: "1", url } });
  const far = new ItemView({ item: item("https://evil.example/a.png"), isLive: false });
  assert.equal(far.node.querySelector("img"), null);
  assert.equal(far.node.querySelector("a").getAttribute("href"), "https://evil.example/a.png");
  assert.ok(new ItemView({ item: item("data:image/png;base64,AA"), isLive: false }).node.querySelector("img"));
});

test("one's own message is copied as it was written, and edited in its place", () => {
  const { ItemView } = setUp(() => null);
  const content = [
    { type: "input_text", text: "Ask " },
    { type: "input_tag", id: "anna", text: "Anna", data: {} },
  ];
  const item = { id: "msg_1", type: "user_message", created_at: AT, content };
  const { node } = new ItemView({ item: { ...item, id: "" }, isLive: false }); // not stored yet
  assert.equal(node.querySelector("button"), null);
  const view = new ItemView({ item, isLive: false });
  assert.equal(view.node.querySelector("button").dataset.copied, "Ask @Anna");
  assert.ok(view.node.querySelector(".edit-message"));
  const form = view.node.ownerDocument.createElement("form");
  view.showInstead(form);
  view.update({ item: { ...item, quoted_text: "new" }, isLive: false }); // as a reload of the thread does
  assert.deepEqual([...view.node.childNodes], [form]);
  view.showInstead(null);
  assert.match(view.node.textContent, /newAsk @Anna/);
});

test("a widget with copy_text has a button that copies it", () => {
  const { ItemView } = setUp((_item, { dom }) => dom.el("div", { class: "widget" }));
  const view = new ItemView({ item: { ...widget("Words"), copy_text: "1 490 €" }, isLive: false });
  assert.equal(view.node.querySelector(".actions button").dataset.copied, "1 490 €");
  assert.equal(new ItemView({ item: widget("Words"), isLive: false }).node.querySelector("button"), null);
});

test("a file that the user sent is a link to it, a picture shows itself", () => {
  const { ItemView } = setUp(() => null);
  const attachments = [
    { type: "file", id: "atc_1", name: "a.pdf" },
    { type: "image", id: "atc_2", name: "b.png", preview_url: "/files/atc_2/?token=t" },
  ];
  const item = { id: "u", type: "user_message", created_at: AT, content: [{ text: "" }], attachments };
  const { node } = new ItemView({ item, isLive: false });
  const [file, picture] = node.querySelectorAll("a");
  assert.equal(file.getAttribute("href"), "/files/atc_1/");
  assert.equal(file.getAttribute("download"), "a.pdf");
  assert.equal(picture.getAttribute("href"), "/files/atc_2/?token=t");
  assert.equal(picture.target, "_blank");
});
