/**
 * Messages that were written while an answer is under way, and are sent when it has ended.
 *
 * @typedef {ReturnType<typeof createWaiting>} Waiting
 * @typedef {import("./composer.js").Draft} Draft
 */

/** A draft as the item that it will be. @param {Draft} draft */
export const asItem = ({ text, content, attachments, quoted }) => ({
  type: "user_message",
  id: "",
  created_at: new Date().toISOString(),
  content: content ?? (text ? [{ type: "input_text", text }] : []),
  quoted_text: quoted,
  attachments: attachments.map(({ answer }) => answer),
});

/** A widget as the item that shows it. @param {any} widget */
export const widgetItem = (widget) => ({ type: "widget", id: "", created_at: new Date().toISOString(), widget });

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {import("./items.js").Items} options.ItemView
 * @param {(draft: Draft) => void} options.onEdit
 * @param {(draft: Draft) => void} options.onRemove
 */
export function createWaiting({ dom, strings, ItemView, onEdit, onRemove }) {
  const { $, el, iconButton } = dom;
  /** @type {Map<Draft, HTMLElement>} */
  let rows = new Map();

  /** @param {Draft} draft */
  function drawRow(draft) {
    const { node } = new ItemView({ item: asItem(draft), isLive: false });
    const actions = el(
      "div",
      { class: "actions" },
      el("span", { class: "muted", text: strings.waiting }),
      iconButton("write", strings.editWaiting, () => onEdit(draft)),
      iconButton("trash", strings.removeWaiting, () => onRemove(draft)),
    );
    return el("li", {}, node, actions);
  }

  /** @param {readonly Draft[]} drafts in the order in which they are sent */
  return (drafts) => {
    rows = new Map(drafts.map((draft) => [draft, rows.get(draft) ?? drawRow(draft)]));
    $("waiting").replaceChildren(...rows.values());
    $("waiting").hidden = !drafts.length;
  };
}
