/**
 * Where a message is written: the box, what is quoted, the files, the buttons, and drafts.
 *
 * @typedef {ReturnType<typeof createComposer>} Composer
 * @typedef {object} Draft
 * @property {string} text
 * @property {any[]} attachments see uploads.js
 * @property {string | null} quoted
 * @property {import("./mentions.js").Entity[]} [entities] that the text names
 * @property {import("./choices.js").InferenceOptions} [inference_options]
 * @property {any[]} [content] as the protocol has it, once it is sent
 */

const LONGEST_QUOTE = 2000;

/** @type {Draft} */
const EMPTY = { text: "", attachments: [], quoted: null };

/** Several drafts as one, in this order. @param {(Draft | null | undefined)[]} drafts @returns {Draft} */
export function joinDrafts(drafts) {
  const all = drafts.filter(Boolean);
  return {
    text: all
      .map(({ text }) => text)
      .filter(Boolean)
      .join("\n\n"),
    attachments: all.flatMap(({ attachments }) => attachments),
    quoted: all.find(({ quoted }) => quoted)?.quoted ?? null,
    entities: all.flatMap(({ entities }) => entities ?? []),
    inference_options: all.find((one) => one.inference_options)?.inference_options,
  };
}

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./choices.js").Choices} options.choices
 * @param {typeof import("./mentions.js")} options.mentions
 * @param {(entities: readonly import("./mentions.js").Entity[]) => void} options.drawNamed
 * @param {(draft: Draft) => void} options.onSend
 * @param {() => void} options.onStop
 */
export function createComposer({ dom, choices, mentions, drawNamed, onSend, onStop }) {
  const { $ } = dom;
  const message = $("message");
  /** @type {string | null} */
  let quoted = null;
  /** @type {any[]} see uploads.js */
  let attachments = [];
  /** @type {import("./mentions.js").Entity[]} */
  let entities = [];
  let drawn = "";
  /** What was begun in a conversation waits there until one comes back to it.
   * @type {Map<string | null, Draft>} */
  const drafts = new Map();
  let state = { isLoading: false, isAnswering: false, isCancellable: true };

  function focus() {
    // On a phone the keyboard would hide what has just been opened.
    if (!$("composer").hidden && matchMedia("(pointer: fine)").matches) message.focus();
    else $("title").focus();
  }

  function grow() {
    message.style.height = "auto";
    message.style.height = `${Math.min(message.scrollHeight, innerHeight * 0.4)}px`;
    drawButtons();
    const named = mentions.namedIn(message.value, entities);
    const ids = JSON.stringify(named.map(({ id }) => id));
    if (ids === drawn) return; // one of them may have the focus
    drawn = ids;
    drawNamed(named);
  }

  function drawButtons() {
    const isReady = !state.isLoading && attachments.every(({ id }) => id);
    const isWritten = message.value.trim() || attachments.length > 0;
    $("send").disabled = !isReady || !isWritten;
    $("send").hidden = state.isAnswering && !isWritten; // beside Stop: it is sent after the answer
    $("stop").hidden = !state.isAnswering || !state.isCancellable;
  }

  /** @param {typeof state} next */
  function setState(next) {
    state = next;
    drawButtons();
  }

  /** @returns {Draft} */
  const draft = () => ({
    text: message.value,
    attachments,
    quoted,
    entities: mentions.namedIn(message.value, entities),
    inference_options: choices.value(),
  });
  const isEmpty = () => !message.value && !attachments.length && !quoted;

  /** @param {Draft} next */
  function setDraft(next) {
    message.value = next.text;
    entities = next.entities ?? [];
    if (next.inference_options) choices.restore(next.inference_options);
    setAttachments(next.attachments);
    showQuote(next.quoted);
    grow();
  }

  /** @param {string | null} id the conversation that is left; what came back to it meanwhile stays */
  function keepDraft(id) {
    if (!isEmpty()) drafts.set(id, joinDrafts([drafts.get(id), draft()]));
  }

  /** @param {string | null} id the conversation that is opened */
  function restoreDraft(id) {
    setDraft(drafts.get(id) ?? EMPTY);
    drafts.delete(id);
  }

  /** @param {any[]} next */
  function setAttachments(next) {
    attachments = next;
    $("attachments").replaceChildren(...attachments.map(({ node }) => node));
    $("attachments").hidden = !attachments.length;
    drawButtons();
  }

  /** Take a file off what is being written, here or in a conversation that was left. @param {any} attachment */
  function detach(attachment) {
    const others = (/** @type {any[]} */ all) => all.filter((other) => other !== attachment);
    for (const one of drafts.values()) one.attachments = others(one.attachments);
    setAttachments(others(attachments));
  }

  /** @param {string | null} text */
  function showQuote(text) {
    quoted = text;
    $("quote").hidden = !quoted;
    $("quote-text").textContent = quoted ?? "";
  }

  /** @param {string | null} text */
  function quote(text) {
    showQuote(text?.slice(0, LONGEST_QUOTE));
    focus();
  }

  /** @param {string} text @param {import("./mentions.js").Entity[]} named */
  function send(text, named) {
    const sent = { ...draft(), text, entities: named, content: mentions.contentOf(text, named) };
    setDraft(EMPTY);
    choices.sent();
    onSend(sent);
  }

  /** Send a prompt; what is being written stays. @param {any[]} content as the protocol has it */
  function sendContent(content) {
    const written = { ...EMPTY, text: message.value, entities };
    const prompt = mentions.draftOf(content);
    send(prompt.text, prompt.entities);
    setDraft(joinDrafts([draft(), written])); // a message that could not be sent is back
  }

  /** At the caret, apart from the word before it. @param {string} text */
  function insertText(text) {
    const { value, selectionStart: start, selectionEnd: end } = message;
    const space = start > 0 && !/\s/.test(value[start - 1]) ? " " : "";
    message.setRangeText(space + text, start, end, "end");
    grow();
  }

  /** Name an entity instead of what stands between a place and the caret.
   * @param {import("./mentions.js").Entity} entity @param {number} start */
  function insertEntity(entity, start) {
    const before = mentions.namedIn(message.value.slice(0, start), entities).length;
    entities = mentions.namedIn(message.value, entities).toSpliced(before, 0, entity);
    message.setRangeText(`@${entity.title} `, start, message.selectionEnd, "end");
    message.focus();
    grow();
  }

  /** What stands before the caret: a command is no part of the message. */
  function clearToCaret() {
    message.setRangeText("", 0, message.selectionStart, "end");
    grow();
  }

  message.addEventListener("input", grow);
  message.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const isPhone = matchMedia("(pointer: coarse)").matches;
    // Safari ends a composition before the key that ends it is down; 229 says that an input method has it.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || isComposing || isPhone) return;
    event.preventDefault();
    $("composer").requestSubmit();
  });
  $("composer").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!$("send").disabled) send(message.value.trim(), draft().entities);
  });
  $("stop").addEventListener("click", onStop);
  $("unquote").addEventListener("click", () => quote(null));
  $("welcome").addEventListener("click", (/** @type {any} */ event) => {
    const prompt = event.target.closest("[data-prompt]")?.dataset.prompt;
    if (prompt) sendContent([{ type: "input_text", text: prompt }]);
  });
  grow();

  return {
    focus,
    setState,
    setDraft,
    draft,
    /** Put drafts before what is being written. @param {...Draft} before */
    prepend: (...before) => setDraft(joinDrafts([...before, draft()])),
    isEmpty: () => !message.value && !attachments.length,
    keepDraft,
    restoreDraft,
    /** All that is written, by conversation. @param {string | null} id the one that is shown */
    drafts: (id) => new Map([...drafts, [id, joinDrafts([drafts.get(id), draft()])]]),
    /** For when they come back to it. @param {string | null} id @param {...Draft} before */
    putDraft(id, ...before) {
      drafts.set(id, joinDrafts([...before, drafts.get(id)]));
    },
    quote,
    sendContent,
    insertText,
    insertEntity,
    clearToCaret,
    attach: (/** @type {any} */ attachment) => setAttachments([...attachments, attachment]),
    detach,
    attachmentCount: () => attachments.length,
    uploaded: drawButtons,
  };
}
