import assert from "node:assert/strict";
import { test } from "node:test";
import { createChart } from "../../chatstore/static/chatstore/chat/chart.js";
import * as geometry from "../../chatstore/static/chatstore/chat/chart_geometry.js";
import { TooMuchWork } from "../../chatstore/static/chatstore/chat/limits.js";
import * as fields from "../../chatstore/static/chatstore/chat/widget_fields.js";
import * as styles from "../../chatstore/static/chatstore/chat/widget_style.js";
import { createWidgets } from "../../chatstore/static/chatstore/chat/widgets.js";
import { openPage } from "./page.js";

/** Draw a widget; `actions` are what its user has done. */
function draw(widget, options) {
  const page = openPage(options);
  const actions = [];
  const drawWidget = createWidgets({
    dom: page.dom,
    text: page.text,
    markdown: page.markdown.markdown,
    scrolling: page.markdown.scrolling,
    budget: page.budget,
    styles,
    fields,
    mayShowImage: page.mayShowImage,
    chart: createChart({ ...page, geometry, styles, scrolling: page.markdown.scrolling }),
    onAction: (item, action, payload) => actions.push([item.id, action.type, payload]),
  });
  const node = page.budget.run(() => drawWidget({ id: "w", type: "widget", widget }));
  page.window.document.body.append(node);
  return { node, actions, window: page.window };
}

const card = (...children) => ({ type: "Card", children });

test("a button sends its action with its payload", () => {
  const onClickAction = { type: "buy", payload: { id: 7 } };
  const { node, actions } = draw(card({ type: "Button", label: "Buy", onClickAction }));
  node.querySelector("button").click();
  assert.deepEqual(actions, [["w", "buy", { id: 7 }]]);
});

test("a form sends its fields, nested by their names, once they are valid", () => {
  const { node, actions } = draw({
    type: "Form",
    onSubmitAction: { type: "book", payload: { shop: 1 } },
    children: [
      { type: "Input", name: "customer.name", required: true },
      { type: "Input", name: "count", inputType: "number", defaultValue: "2" },
      { type: "Checkbox", name: "wash", label: "Wash", defaultChecked: true },
      { type: "RadioGroup", name: "when", options: [{ value: "am", label: "am" }], defaultValue: "am" },
      { type: "Button", submit: true, label: "Book" },
    ],
  });
  node.querySelector("button").click();
  assert.deepEqual(actions, []);
  node.querySelector("[name='customer.name']").value = "Ada";
  node.querySelector("button").click();
  const [[, , payload]] = actions;
  const sent = { shop: 1, customer: { name: "Ada" }, count: 2, wash: true, when: "am" };
  assert.deepEqual(JSON.parse(JSON.stringify(payload)), sent);
});

test("fields may be named like properties that every object has", () => {
  const names = ["__proto__.polluted", "constructor.name", "toString", "hasOwnProperty.x"];
  const { node, actions } = draw({
    type: "Form",
    onSubmitAction: { type: "send" },
    children: [...names.map((name) => ({ type: "Input", name, defaultValue: "v" })), { type: "Button", submit: true }],
  });
  node.querySelector("button").click();
  assert.equal(
    JSON.stringify(actions[0][2]),
    '{"__proto__":{"polluted":"v"},"constructor":{"name":"v"},"toString":"v","hasOwnProperty":{"x":"v"}}',
  );
  assert.equal({}.polluted, undefined);
});

test("a component named like a property of every object is an unknown one, shown as its text", () => {
  for (const type of ["constructor", "__proto__", "toString", "FromTheFuture", undefined]) {
    const { node } = draw(card({ type, value: "Words", children: [{ type: "Text", value: "inside" }] }));
    assert.equal(node.querySelector(".w-unknown").textContent, "Wordsinside");
  }
});

test("a field that changes sends its value", () => {
  const { node, actions, window } = draw(
    card({ type: "Select", name: "kind", options: [{ value: "a", label: "A" }], onChangeAction: { type: "pick" } }),
  );
  node.querySelector("select").value = "a";
  node.querySelector("select").dispatchEvent(new window.Event("change"));
  assert.deepEqual(actions, [["w", "pick", { kind: "a" }]]);
});

test("a label belongs to the first field of its name", () => {
  const { node } = draw(
    card(
      { type: "Label", value: "Name", fieldName: 'a"b' },
      { type: "Input", name: 'a"b' },
      { type: "Input", name: 'a"b' },
    ),
  );
  assert.equal(node.querySelector("label").htmlFor, node.querySelector("input").id);
});

test("a long list shows its rows on request", () => {
  const rows = Array.from({ length: 9 }, (_, n) => ({
    type: "ListViewItem",
    children: [{ type: "Text", value: `${n}` }],
  }));
  const { node } = draw({ type: "ListView", limit: "auto", children: rows });
  const hidden = () => node.querySelectorAll(".w-item[hidden]").length;
  assert.equal(hidden(), 3);
  node.querySelector("button.button").click();
  assert.equal(hidden(), 0);
});

test("a picture is shown from allowed domains only", () => {
  const image = card({ type: "Image", src: "https://pictures.example/a.png", alt: "A cat" });
  assert.equal(draw(image).node.querySelector("img"), null);
  assert.equal(draw(image).node.textContent, "A cat");
  assert.ok(draw(image, { domains: ["pictures.example"] }).node.querySelector("img"));
  assert.equal(draw(card({ type: "Image", src: "/\\evil.example/a.png" })).node.querySelector("img"), null);
});

test("a widget that is too deep or too large is too much work", () => {
  let deep = { type: "Text", value: "deep" };
  for (let n = 0; n < 5000; n++) deep = card(deep);
  assert.throws(() => draw(deep), TooMuchWork);
  const many = Array.from({ length: 20_000 }, () => ({ type: "Text", value: "x" }));
  assert.throws(() => draw(card(...many)), TooMuchWork);
  const data = Array.from({ length: 30_000 }, () => ({ a: 1 }));
  assert.throws(() => draw({ type: "Chart", xAxis: "a", data, series: [{ dataKey: "a" }] }), TooMuchWork);
});
