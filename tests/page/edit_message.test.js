import assert from "node:assert/strict";
import { test } from "node:test";
import { contentOf, createMessageEditor, textOf } from "../../chatstore/static/chatstore/chat/edit_message.js";
import { createFeedback } from "../../chatstore/static/chatstore/chat/feedback.js";
import { openPage, settle, strings } from "./page.js";

const item = {
  id: "msg_1",
  thread_id: "thr_1",
  content: [
    { type: "input_text", text: "Ask " },
    { type: "input_tag", id: "anna", text: "Anna", data: {} },
    { type: "input_text", text: ", please" },
  ],
  quoted_text: "what was said",
  attachments: [
    { id: "atc_1", name: "a.txt" },
    { id: "atc_2", name: "b.txt" },
  ],
};

/** A message whose pencil was pressed. */
function openEditor(onSend = async () => {}) {
  const { dom, text, window } = openPage();
  globalThis.matchMedia = () => ({ matches: false });
  globalThis.innerHeight = 800;
  const sent = [];
  const open = createMessageEditor({
    dom,
    text,
    onSend: (...edited) => {
      sent.push(edited);
      return onSend();
    },
  });
  const node = dom.el("article");
  const view = {
    node,
    showInstead: (form) =>
      node.replaceChildren(form ?? dom.iconButton("write", "Edit", () => open(item, view), { class: "edit-message" })),
  };
  dom.document.body.append(node);
  view.showInstead(null);
  node.querySelector("button").click();
  const box = node.querySelector("textarea");
  const press = (key, more = {}) => {
    const event = new window.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
    box.dispatchEvent(event);
    return event;
  };
  const write = (words) => {
    box.value = words;
    box.dispatchEvent(new window.Event("input"));
  };
  /** The message drawn anew, and its pencil pressed. */
  const reopen = () => {
    view.showInstead(null);
    node.querySelector("button").click();
    return node.querySelector("textarea");
  };
  return { dom, node, box, press, write, reopen, sent, document: window.document };
}

test("what is tagged stays tagged where it is still written", () => {
  assert.equal(textOf(item.content), "Ask @Anna, please");
  assert.deepEqual(contentOf("Ask @Anna, please", item.content), item.content);
  assert.deepEqual(contentOf("@Anna", item.content), [item.content[1]]);
  assert.deepEqual(contentOf("Nobody", item.content), [{ type: "input_text", text: "Nobody" }]);
  assert.deepEqual(contentOf("", item.content), []);
});

test("Enter sends what was written, and the quotation and files that were kept", async () => {
  const { node, box, press, write, sent } = openEditor();
  assert.equal(box.value, "Ask @Anna, please");
  assert.equal(node.querySelector("form").checkValidity(), true);
  const removes = () => [...node.querySelectorAll(".edit-kept button")];
  assert.equal(removes().length, 3);
  removes()[1].click();
  removes()[0].click();
  write("Ask @Anna");
  press("Enter", { shiftKey: true });
  press("Enter", { isComposing: true });
  assert.equal(sent.length, 0);
  assert.ok(press("Enter").defaultPrevented);
  await settle();
  assert.deepEqual(sent, [
    [item, { content: item.content.slice(0, 2), attachments: [item.attachments[1]], quoted: null }],
  ]);
});

test("Escape leaves the message as it was, and the focus on its pencil", () => {
  const { node, press, write, sent, document } = openEditor();
  write("Something else");
  assert.ok(press("Escape").defaultPrevented); // it would stop the answer
  assert.equal(node.querySelector("form"), null);
  assert.equal(document.activeElement, node.querySelector(".edit-message"));
  assert.equal(sent.length, 0);
});

test("what was begun is there again after another conversation, and not after Escape", () => {
  const { node, write, reopen } = openEditor();
  node.querySelector(".edit-kept button").click();
  write("Half a thought");
  let box = reopen();
  assert.equal(box.value, "Half a thought");
  assert.equal(node.querySelectorAll(".edit-kept button").length, 2);
  box.dispatchEvent(new box.ownerDocument.defaultView.KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  box = reopen();
  assert.equal(box.value, "Ask @Anna, please");
  assert.equal(node.querySelectorAll(".edit-kept button").length, 3);
});

test("while it is sent nothing can be pressed, and a refusal loses no word", async () => {
  let refuse;
  const { node, box, press, write } = openEditor(
    () =>
      new Promise((resolve) => {
        refuse = resolve;
      }),
  );
  write("Again");
  press("Enter");
  assert.ok([...node.querySelectorAll("button, textarea")].every(({ disabled }) => disabled));
  refuse();
  await settle();
  assert.equal(box.value, "Again");
  assert.ok(![...node.querySelectorAll("button, textarea")].some(({ disabled }) => disabled));
});

test("without words and files it can't be sent", () => {
  const { node, write, press, sent } = openEditor();
  for (const button of [...node.querySelectorAll(".edit-kept button")]) button.isConnected && button.click();
  for (const button of [...node.querySelectorAll(".edit-kept button")]) button.click();
  for (const button of [...node.querySelectorAll(".edit-kept button")]) button.click();
  write("  ");
  assert.ok(node.querySelector("button.primary").disabled);
  press("Enter");
  assert.equal(sent.length, 0);
});

/** An answer with thumbs. */
function openThumbs(comment) {
  const { dom, window } = openPage();
  const [sent, announced] = [[], []];
  const thumbs = createFeedback({
    dom,
    strings,
    storage: () => window.localStorage,
    send: async (one, kind) => sent.push([one.id, kind]),
    comment: comment && (async (one, words) => sent.push([one.id, words])),
    announce: (message) => announced.push(message),
    onError: (error) => assert.fail(error),
  });
  const node = dom.el("article", {}, dom.el("div", { class: "actions" }, ...thumbs({ id: "msg_1" })));
  dom.document.body.append(node);
  const [up, down] = node.querySelectorAll(".thumb");
  const press = async (button) => {
    button.click();
    await settle();
  };
  return { node, up, down, press, sent, announced, window };
}

test("a thumb down asks what is wrong, and a thumb up does not", async () => {
  const { node, up, down, press, sent, announced, window } = openThumbs(true);
  await press(up);
  assert.equal(node.querySelector("form"), null);
  await press(down);
  const box = node.querySelector("textarea");
  assert.equal(window.document.activeElement, box);
  assert.equal(node.querySelector("label").htmlFor, box.id);
  box.value = " It is wrong. ";
  node.querySelector("form").requestSubmit();
  await settle();
  assert.deepEqual(sent, [
    ["msg_1", "positive"],
    ["msg_1", "negative"],
    ["msg_1", "It is wrong."],
  ]);
  assert.equal(node.querySelector("form"), null);
  assert.equal(window.document.activeElement, down);
  assert.equal(announced.at(-1), strings.thanks);
});

test("one need not say it", async () => {
  const { node, up, down, press, sent, window } = openThumbs(true);
  await press(down);
  const escapeKey = new window.KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true });
  node.querySelector("textarea").dispatchEvent(escapeKey);
  assert.ok(escapeKey.defaultPrevented);
  await press(down);
  node.querySelector("form").requestSubmit();
  await press(down);
  await press(up);
  assert.equal(node.querySelector("form"), null);
  assert.ok(sent.every(([, words]) => /itive|ative/.test(words)));
});

test("where the server keeps no comments nothing is asked", async () => {
  const { node, down, press } = openThumbs(false);
  await press(down);
  assert.equal(node.querySelector("form"), null);
});
