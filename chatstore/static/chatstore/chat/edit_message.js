/**
 * Editing one's own message where it stands, to send it again: what came after it goes.
 *
 * @typedef {ReturnType<typeof createMessageEditor>} MessageEditor
 *
 * @typedef {object} View the view of a message, see items.js
 * @property {HTMLElement} node
 * @property {(form: HTMLElement | null) => void} showInstead shows a form in the message's place; null: the message
 *
 * @typedef {object} Edited what the message becomes
 * @property {any[]} content
 * @property {any[]} attachments
 * @property {string | null} quoted
 */

/** The text of a message, as it is shown. @param {any[]} content */
export const textOf = (content) => content.map(({ type, text }) => (type === "input_tag" ? `@${text}` : text)).join("");

/** A text as content; what the message has tagged stays tagged where it is still written.
 * @param {string} text @param {any[]} before the message's content */
export function contentOf(text, before) {
  const content = [];
  let from = 0;
  for (const tag of before.filter(({ type }) => type === "input_tag")) {
    const name = `@${tag.text}`;
    const at = text.indexOf(name, from);
    if (at < 0) continue;
    if (at > from) content.push({ type: "input_text", text: text.slice(from, at) });
    content.push(tag);
    from = at + name.length;
  }
  if (from < text.length) content.push({ type: "input_text", text: text.slice(from) });
  return content;
}

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {(item: any, edited: Edited) => Promise<void>} options.onSend resolves when the server has begun, or has refused
 */
export function createMessageEditor({ dom, text, onSend }) {
  const { el, iconButton } = dom;
  const { strings, say } = text;
  /** What was begun and not sent, until one comes back to the conversation. A message that was replaced
   * is gone, so its edit needs no removal. @type {Map<string, { words: string, quoted: string | null, attachments: any[] }>} */
  const begun = new Map();

  /** Show the form in a message's place. @param {any} item @param {View} view */
  function open(item, view) {
    const key = JSON.stringify([item.thread_id, item.id]);
    const { words, ...more } = begun.get(key) ?? {
      words: textOf(item.content),
      quoted: item.quoted_text ?? null,
      attachments: item.attachments ?? [],
    };
    let { quoted, attachments } = more;
    const box = el("textarea", { class: "field", dir: "auto", rows: 1, "aria-label": strings.editWaiting });
    box.value = words;
    const send = el("button", { class: "button primary", text: strings.sendEdited });
    const kept = el("div", { class: "edit-kept" });
    const form = el(
      "form",
      { class: "edit-form" },
      kept,
      box,
      el("p", { class: "muted", id: `edit-note-${item.id}`, text: strings.editNote }),
      el(
        "div",
        { class: "buttons" },
        el("button", { type: "button", class: "button", text: strings.cancel, onclick: cancel }),
        send,
      ),
    );
    box.setAttribute("aria-describedby", `edit-note-${item.id}`);

    function drawKept() {
      const row = (/** @type {any} */ what, /** @type {string} */ label, /** @type {() => void} */ onRemove) => {
        const remove = () => {
          onRemove();
          drawKept();
          changed();
          box.focus();
        };
        return el("p", {}, what, iconButton("close", label, remove));
      };
      const quote =
        quoted &&
        row(el("span", { dir: "auto", text: quoted }), strings.removeQuote, () => {
          quoted = null;
        });
      const files = attachments.map((/** @type {any} */ file) =>
        row(el("bdi", { text: file.name }), say("remove", { name: file.name }), () => {
          attachments = attachments.filter((/** @type {any} */ other) => other !== file);
        }),
      );
      kept.replaceChildren(...[quote, ...files].filter(Boolean));
      kept.hidden = !kept.hasChildNodes();
    }

    function grow() {
      box.style.height = "auto";
      box.style.height = `${Math.min(box.scrollHeight + 2, innerHeight * 0.5)}px`;
      send.disabled = !box.value.trim() && !attachments.length;
    }

    function changed() {
      begun.set(key, { words: box.value, quoted, attachments });
      grow();
    }

    function cancel() {
      begun.delete(key);
      view.showInstead(null);
      view.node.querySelector(/** @type {any} */ (".edit-message"))?.focus();
    }

    /** @param {Event} event */
    async function submit(event) {
      event.preventDefault();
      if (send.disabled) return;
      const controls = form.querySelectorAll("textarea, button");
      for (const control of controls) control.disabled = true;
      form.setAttribute("aria-busy", "true");
      const content = contentOf(box.value.trim(), item.content);
      await onSend(item, { content, attachments, quoted });
      // It is gone with the message where that was replaced; else what was written is not lost.
      form.removeAttribute("aria-busy");
      for (const control of controls) control.disabled = false;
      if (form.isConnected) box.focus();
    }

    form.addEventListener("submit", submit);
    form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const isComposing = event.isComposing || event.keyCode === 229;
      if (event.key === "Escape" && !isComposing) {
        event.preventDefault();
        cancel();
      }
      const isPhone = matchMedia("(pointer: coarse)").matches;
      if (event.target !== box || event.key !== "Enter" || event.shiftKey || isComposing || isPhone) return;
      event.preventDefault();
      form.requestSubmit();
    });
    box.addEventListener("input", changed);
    drawKept();
    view.showInstead(form);
    grow();
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }

  return open;
}
