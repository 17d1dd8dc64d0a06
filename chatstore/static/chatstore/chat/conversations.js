/**
 * Which conversation is shown, and what is loaded of it. One that is being answered stays in memory
 * when another is opened, and goes on.
 *
 * @typedef {ReturnType<typeof createConversations>} Conversations
 *
 * @typedef {object} Held a conversation in memory
 * @property {import("./conversation.js").Conversation} state
 * @property {AbortController | null} controller of the request that is under way
 * @property {() => void} [stopTool] gives up waiting for a tool of this page
 * @property {boolean} [isTemporary] it is in no list, and not kept
 * @property {Promise<void>} [begun] the server has begun to answer
 * @property {boolean} [isElsewhere] another process of the server answers, of which nothing is heard
 */

const PAGE = 50;

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {typeof import("./conversation.js")} options.model
 * @param {ReturnType<typeof import("./conversation.js").createReduce>} options.reduce
 * @param {import("./protocol.js").Protocol["call"]} options.call
 * @param {import("./own_threads.js").OwnThreads | null} options.own
 * @param {import("./timeline.js").Timeline} options.timeline
 * @param {import("./threads.js").Threads} options.threads
 * @param {import("./composer.js").Composer} options.composer
 * @param {import("./scroll.js").Scroll} options.scroll
 * @param {import("./alerts.js").Alerts} options.alerts
 * @param {(id: string | null) => void} options.setAddress of the page
 * @param {(conversation: Held) => void} options.onAnswering the server answers, and this page doesn't follow it
 * @param {(event: any, isShown: boolean) => void} options.onEvent
 * @param {import("./hooks.js").Emit} options.emit
 * @param {string | null} options.first the id of the conversation that is shown first
 */
export function createConversations(options) {
  const { dom, strings, model, call, own, timeline, threads, composer, scroll, alerts, setAddress } = options;
  const { idOf } = model;
  const { $ } = dom;

  /** @param {string | null} id @returns {Held} */
  const held = (id) => ({ state: model.newConversation(id), controller: null });
  let shown = held(options.first);
  /** @type {Promise<void> | null} of earlier messages */
  let coming = null;
  /** @type {Set<Held>} */
  const answering = new Set();

  /** @param {Held} conversation @param {any} event */
  function dispatch(conversation, event) {
    conversation.state = options.reduce(conversation.state, event);
    if (conversation === shown) timeline.draw(conversation.state);
    options.onEvent(event, conversation === shown);
  }

  /** Messages go back to where they are written.
   * @param {Held} conversation @param {readonly any[]} drafts @param {string} type of the event */
  function takeBack(conversation, drafts, type) {
    if (!drafts.length) return;
    dispatch(conversation, { type });
    if (conversation === shown) composer.prepend(...drafts);
    else composer.putDraft(idOf(conversation.state), ...drafts);
  }

  /** Those that wait: no answer is under way that they follow. @param {Held} conversation */
  const takeBackWaiting = (conversation) => takeBack(conversation, conversation.state.waiting, "waiting.emptied");

  /** The one that could not be sent. @param {Held} conversation */
  function takeBackUnsent(conversation) {
    const turn = model.pendingOf(conversation.state);
    takeBack(conversation, turn ? [turn.draft] : [], "turn.settled");
  }

  /** @param {string | null} id null: a new one @param {string | null} [messageId] the message to begin at */
  async function open(id, messageId) {
    if (!model.isBusy(shown.state)) {
      takeBackWaiting(shown);
      takeBackUnsent(shown);
    }
    composer.keepDraft(idOf(shown.state));
    const conversation = [...answering].find(({ state }) => id && idOf(state) === id) ?? held(id);
    shown = conversation;
    alerts.clear();
    alerts.clearNotices();
    timeline.show(conversation.state);
    composer.restoreDraft(id);
    $("conversation").setAttribute("aria-busy", String(Boolean(id)));
    options.emit("thread.change", { threadId: id });
    if (!id) return composer.focus();
    try {
      options.emit("thread.load.start", { threadId: id });
      await load(conversation);
      options.emit("thread.load.end", { threadId: id });
      if (conversation === shown && messageId && (await reach(conversation, messageId))) return undefined;
      if (conversation !== shown) return undefined;
      scroll.toEnd();
      return composer.focus();
    } catch (error) {
      if (conversation !== shown) return undefined;
      if (error.status !== 404) return alerts.showError(error, () => open(id, messageId));
      setAddress(null);
      await open(null);
      return alerts.showError(error);
    } finally {
      if (conversation === shown) $("conversation").removeAttribute("aria-busy");
    }
  }

  /** Bring a conversation up to date with the server. @param {Held} conversation
   * @param {{ isRejoined?: boolean, isEnded?: boolean }} [details] see reduce; the answer has ended, whatever the
   * server still says @returns {Promise<void>} */
  async function load(conversation, { isRejoined = false, isEnded = false } = {}) {
    const id = idOf(conversation.state);
    const isAnswered = Boolean(conversation.state.turn);
    const { controller } = conversation;
    const [thread, page, state] = await Promise.all([
      call("threads.get_by_id", { thread_id: id }),
      call("items.list", { thread_id: id, limit: PAGE, order: "desc" }),
      own?.state(id),
    ]);
    // What was asked for before an answer has ended lacks a part of it.
    const isOld = !conversation.state.turn && (isAnswered || conversation.controller !== controller);
    if (isOld) return load(conversation);
    const isAnswering = state?.is_answering && !isEnded;
    if (state) {
      conversation.isTemporary = state.is_temporary;
      threads.setListing(id, state.is_temporary ? "temporary" : state.archived_at ? "archived" : "");
    }
    const paging = { after: page.after ?? null, hasMore: Boolean(page.has_more) };
    dispatch(conversation, {
      type: "loaded",
      thread,
      items: page.data.toReversed(),
      ...paging,
      isRejoined,
      isAnswering,
    });
    threads.put({ ...conversation.state.thread, updated_at: page.data[0]?.created_at });
    threads.setPreview(id, page.data);
    if (isAnswering && !model.isBusy(conversation.state)) options.onAnswering(conversation);
    return undefined;
  }

  /** Show a message, and load what is between it and the end. @param {Held} conversation @param {string} messageId
   * @returns {Promise<boolean>} whether it is there */
  async function reach(conversation, messageId) {
    const isHere = () => conversation.state.entries.some(({ item }) => item.id === messageId);
    let count = -1; // of the items before: a page that can't be loaded adds none
    while (conversation === shown && !isHere() && count !== conversation.state.entries.length) {
      count = conversation.state.entries.length;
      await earlier();
    }
    const node = conversation === shown && timeline.nodeOf(messageId);
    if (!node) return false;
    scroll.reveal(node);
    node.focus({ preventScroll: true });
    node.classList.add("found");
    return true;
  }

  /** Load the page before; whoever asks meanwhile waits for the same one. */
  function earlier() {
    coming ??= loadEarlier().finally(() => {
      coming = null;
    });
    return coming;
  }

  async function loadEarlier() {
    const conversation = shown;
    const { thread, after, hasMore } = conversation.state;
    if (!hasMore) return;
    $("older").classList.add("loading");
    try {
      const page = await call("items.list", { thread_id: thread.id, limit: PAGE, order: "desc", after });
      const paging = { after: page.after ?? null, hasMore: Boolean(page.has_more) };
      dispatch(conversation, { type: "earlier", items: page.data.toReversed(), ...paging });
      if (conversation === shown) alerts.announce(strings.olderShown);
    } catch (error) {
      if (conversation === shown) alerts.showError(error);
    } finally {
      $("older").classList.remove("loading");
    }
  }

  /** A thread's title or status has changed. @param {any} fresh */
  function threadChanged(fresh) {
    for (const conversation of new Set([shown, ...answering])) {
      const { thread } = conversation.state;
      if (thread?.id === fresh.id) dispatch(conversation, { type: "thread.changed", thread: { ...thread, ...fresh } });
    }
    const { items, ...thread } = fresh;
    threads.change(thread);
  }

  return {
    get shown() {
      return shown;
    },
    answering,
    dispatch,
    open,
    load,
    earlier,
    takeBackWaiting,
    takeBackUnsent,
    threadChanged,
  };
}
