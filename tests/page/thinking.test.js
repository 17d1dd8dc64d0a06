import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt } from "../../chatstore/static/chatstore/chat/text.js";
import { createThoughtfulText, splitThought } from "../../chatstore/static/chatstore/chat/thinking.js";
import { openPage, strings } from "./page.js";

test("reasoning is what stands in <think> at the beginning", () => {
  const text = "<think>\nLet me *see*.\n</think>\n\nIt is.";
  assert.deepEqual(splitThought(text), { thought: "Let me *see*.", answer: "It is.", start: text.length - 6 });
  assert.deepEqual(splitThought("<think>Not yet"), { thought: "Not yet", answer: "", start: 14 });
  assert.equal(splitThought("Write <think> first.").thought, null);
  assert.equal(splitThought("<thinking>").thought, null);
});

test("it is folded, while it grows too, and the answer stands below", () => {
  const page = openPage();
  const PartText = createThoughtfulText({ dom: page.dom, strings, AnswerText: page.AnswerText });
  const part = new PartText();
  assert.equal(part.set("<thi"), false);
  assert.equal(part.nodes.length, 1);
  assert.equal(part.set("<think>Let me see"), true);
  assert.equal(part.set("<think>Let me see.</think>\n\nIt"), false);
  part.finish("<think>Let me see.</think>\n\nIt *is*.");
  const [details, answer] = part.nodes;
  assert.equal(details.open, false);
  assert.equal(details.querySelector("summary").textContent, "Thought");
  assert.equal(details.querySelector(".prose").textContent.trim(), "Let me see.");
  assert.equal(answer.innerHTML.trim(), '<p dir="auto">It <em>is</em>.</p>');
});

test("a preview says the answer", () => {
  const text = `<think>${"Hm. ".repeat(1000)}</think>\nIt is.`;
  assert.equal(excerpt({ content: [{ text }] }, 140), "It is.");
});
