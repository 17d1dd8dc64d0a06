/**
 * Turns: a request that streams, its answer, and what is left to do when that ends.
 *
 * @typedef {ReturnType<typeof createTurns>} Turns
 * @typedef {import("./conversations.js").Held} Held
 */

const LONGEST_ANNOUNCEMENT = 600;

/**
 * @param {object} options
 * @param {Record<string, string>} options.strings
 * @param {(key: string, values: object) => string} options.say
 * @param {typeof import("./text.js").excerpt} options.excerpt
 * @param {typeof import("./conversation.js")} options.model
 * @param {typeof import("./protocol.js")} options.errors
 * @param {import("./protocol.js").Protocol} options.protocol
 * @param {import("./running_answers.js").RunningAnswers} options.running
 * @param {import("./conversations.js").Conversations} options.conversations
 * @param {import("./threads.js").Threads} options.threads
 * @param {import("./composer.js").Composer} options.composer
 * @param {import("./scroll.js").Scroll} options.scroll
 * @param {import("./alerts.js").Alerts} options.alerts
 * @param {(name: string, detail: object) => Promise<any> | undefined} options.hook
 * @param {() => boolean} options.isTemporary whether a new conversation is to be temporary
 * @param {(id: string | null) => void} options.setAddress of the page
 * @param {(ending: { isStopped: boolean }) => void} options.onTurn one has ended
 */
export function createTurns(options) {
  const { strings, say, excerpt, model, protocol, running, conversations, threads, composer, scroll, alerts, hook } =
    options;
  const { Refused, Unreachable } = options.errors;
  const { idOf } = model;
  const { dispatch, answering } = conversations;
  const isShown = (/** @type {Held} */ conversation) => conversation === conversations.shown;
  let isLeaving = false;
  addEventListener("pagehide", () => {
    isLeaving = true;
  });
  // Taken out of the browser's memory, it is without its connections.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

  /**
   * Send a request and follow its answer to the end.
   *
   * @param {Held} conversation
   * @param {string} request
   * @param {Record<string, any>} params
   * @param {{ draft?: any, replaced?: string[], metadata?: object }} [details] see Turn
   */
  async function start(conversation, request, params, { draft = null, replaced = [], metadata } = {}) {
    const isTemporary = request === "threads.create" && conversation.isTemporary;
    const sent = isTemporary ? { temporary: true } : metadata;
    const open = () => protocol.post(request, params, conversation.controller.signal, sent);
    return run(conversation, { request, params, metadata, draft, replaced }, open);
  }

  /** Follow the answer that the server makes, which another page has asked for, or this one before it
   * was loaded again. @param {Held} conversation */
  function join(conversation) {
    return run(conversation, { request: "join", params: {}, isStored: true }, null);
  }

  /** @param {Held} conversation @param {Record<string, any>} turn see turn.began @param {(() => Promise<Response>) | null} open */
  async function run(conversation, turn, open) {
    if (model.isBusy(conversation.state)) {
      // One answer at a time; what a button asks for can be asked for again.
      if (open) alerts.showError(new Refused(strings.answering), () => run(conversation, turn, open));
      return;
    }
    // A message that could not be sent would go with the turn before, unless this one sends it.
    if (model.pendingOf(conversation.state)?.draft !== turn.draft) conversations.takeBackUnsent(conversation);
    conversation.controller = new AbortController();
    /** @type {() => void} */
    let begin;
    conversation.begun = new Promise((resolve) => {
      begin = resolve;
    });
    answering.add(conversation);
    if (isShown(conversation)) {
      alerts.clear();
      alerts.clearNotices();
    }
    dispatch(conversation, { type: "turn.began", ...turn });
    if (isShown(conversation)) alerts.announce(strings.answering);
    let outcome = {};
    try {
      outcome = await running.follow(conversation, open, (event) => {
        apply(conversation, event);
        begin();
      });
    } catch (error) {
      outcome = error.name === "AbortError" ? { isStopped: true } : { failure: failureOf(error) };
    }
    if (isLeaving) return;
    answering.delete(conversation);
    conversation.isElsewhere = false;
    dispatch(conversation, { type: "turn.ended", ...outcome });
    const { last } = conversation.state;
    const { isStopped, failure, type } = last;
    // What another page has replaced stays while this one hears the answer.
    const isHeard = type === "join" && !isStopped && !failure;
    if (isHeard) await conversations.load(conversation, { isEnded: true }).catch(() => {});
    if (conversation.state.last === last) finish(conversation); // unless the next has begun meanwhile
    options.onTurn({ isStopped });
  }

  /** @param {any} error @returns {import("./conversation.js").Failure} */
  function failureOf(error) {
    const isForPeople = error instanceof Refused || error instanceof Unreachable;
    if (!isForPeople) console.error(error);
    return { message: isForPeople ? error.message : strings.failed, status: error.status, waitMs: error.waitMs };
  }

  /** @param {Held} conversation @param {any} event */
  function apply(conversation, event) {
    if (event.type === "client_effect" && conversation.state.turn?.type === "join") return; // for who has asked
    dispatch(conversation, event);
    const isSeen = isShown(conversation);
    if (event.type === "thread.created" && conversation.isTemporary) threads.setListing(event.thread.id, "temporary");
    if (event.type === "thread.item.done" && threads.listingOf(idOf(conversation.state)) === "archived") {
      threads.setListing(idOf(conversation.state), ""); // by the server, with each new item
      threads.put(conversation.state.thread);
    }
    if (event.type === "thread.item.done") {
      threads.put({ ...conversation.state.thread, updated_at: event.item.created_at });
    }
    if (event.type === "thread.created" && isSeen) options.setAddress(event.thread.id);
    if (/^thread\.(created|updated)$/.test(event.type)) threads.put(conversation.state.thread);
    if (event.type === "progress_update" && isSeen) alerts.announce(event.text);
    if (event.type === "client_effect") hook("effect", { name: event.name, data: event.data });
    if (event.type === "notice" && isSeen) alerts.showNotice(event);
  }

  /** @param {Held} conversation */
  function finish(conversation) {
    const { state } = conversation;
    const { last: turn } = state;
    const isUnsent = turn.draft && !turn.isStored;
    const isDone = !turn.failure && !turn.isStopped;
    if (turn.isStopped) conversations.takeBackWaiting(conversation);
    if (!isShown(conversation)) {
      if (isUnsent) composer.putDraft(idOf(state), turn.draft);
    } else if (turn.failure) showFailure(conversation);
    else if (isDone) announceAnswer(conversation);
    else if (isUnsent) takeBackUnlessArrived(conversation);
    else alerts.announce(strings.ending_stopped);
    if (idOf(state) && !turn.failure) updatePreview(conversation);
    if (turn.tool && isDone && turn.type !== "join" && isShown(conversation)) runTool(conversation, turn.tool);
    else sendNext(conversation);
  }

  /** Send the message that waits for the end of the answer. In a conversation that is not shown,
   * nobody would see those that can't be sent. @param {Held} conversation */
  function sendNext(conversation) {
    const draft = model.nextWaiting(conversation.state);
    if (draft) sendWaiting(conversation, draft);
    else if (!isShown(conversation)) conversations.takeBackWaiting(conversation);
  }

  /** @param {Held} conversation @param {import("./composer.js").Draft} draft */
  function sendWaiting(conversation, draft) {
    dispatch(conversation, { type: "waiting.removed", draft });
    sendIn(conversation, draft);
  }

  /** Write a message that waits anew. @param {import("./composer.js").Draft} draft */
  function editWaiting(draft) {
    removeWaiting(draft);
    composer.prepend(draft);
    composer.focus();
  }

  /** @param {import("./composer.js").Draft} draft */
  function removeWaiting(draft) {
    dispatch(conversations.shown, { type: "waiting.removed", draft });
  }

  /** @param {Held} conversation */
  function showFailure(conversation) {
    const { failure, draft, isStored } = conversation.state.last;
    const { status } = failure;
    const error = new Refused(failure.message ?? strings.streamFailed, status);
    error.waitMs = failure.waitMs ?? 0;
    const mayRetry = failure.mayRetry ?? (status ? status >= 500 || status === 429 : true);
    // 409 and the like: the thread has changed elsewhere, and the page shows how.
    if (status === 409 || status === 0) refreshThread(conversation);
    const back = draft && !isStored && (() => takeBack(conversation));
    alerts.showError(error, mayRetry && (() => again(conversation)), back);
  }

  /** @param {Held} conversation */
  function again(conversation) {
    const { state } = conversation;
    const { type, params, metadata, draft, replaced, isStored } = state.last;
    if (state.thread && isStored) return retry(conversation);
    // The thread is there, though its message isn't.
    if (type === "threads.create" && state.thread) {
      const next = { thread_id: state.thread.id, input: params.input };
      return start(conversation, "threads.add_user_message", next, { draft });
    }
    return start(conversation, type, params, { draft, replaced, metadata });
  }

  /** Ask for another answer to the last message. @param {Held} conversation */
  function retry(conversation) {
    const { state } = conversation;
    const message = model.lastOf(state, "user_message");
    if (!message) return undefined;
    const params = { thread_id: state.thread.id, item_id: message.id };
    scroll.toEnd();
    return start(conversation, "threads.retry_after_item", params, { replaced: model.answersTo(state) });
  }

  /** Send a message that takes the place of another, and of all after that.
   * @param {any} item @param {{ content: any[], attachments: any[], quoted: string | null }} edited */
  async function edit(item, { content, attachments, quoted }) {
    const conversation = conversations.shown;
    const { entries } = conversation.state;
    const at = entries.findIndex((entry) => entry.item.id === item.id);
    const input = {
      content,
      attachments: attachments.map(({ id }) => id),
      quoted_text: quoted ?? undefined,
      inference_options: item.inference_options ?? {},
    };
    const params = { thread_id: item.thread_id, input };
    const replaced = entries.slice(at).map((entry) => entry.item.id);
    scroll.toEnd();
    await start(conversation, "threads.add_user_message", params, { replaced, metadata: { replaces: item.id } });
    // Somebody was faster: the page shows what there is now.
    if (conversation.state.last?.failure?.status === 409) await conversations.load(conversation).catch(() => {});
  }

  /** A message that was never stored goes back to where it was written. @param {Held} conversation */
  function takeBack(conversation) {
    alerts.clear();
    conversations.takeBackUnsent(conversation);
    composer.focus();
  }

  /** Stopped before the server sent the message back: it may have stored it all the same.
   * @param {Held} conversation */
  async function takeBackUnlessArrived(conversation) {
    if (conversation.state.thread) await conversations.load(conversation).catch(() => {});
    const { state } = conversation;
    if (!state.last || state.last.isStored) return;
    if (isShown(conversation)) takeBack(conversation);
    else conversations.takeBackUnsent(conversation);
  }

  /** @param {Held} conversation */
  async function refreshThread({ state: { thread } }) {
    if (!thread) return;
    const fresh = await protocol.call("threads.get_by_id", { thread_id: thread.id }).catch(() => {});
    if (fresh) conversations.threadChanged(fresh);
  }

  /** @param {Held} conversation */
  function updatePreview({ state }) {
    if (state.entries.length) threads.setPreview(idOf(state), state.entries.map(({ item }) => item).reverse());
    else threads.refreshPreview(idOf(state));
  }

  /** @param {Held} conversation */
  function announceAnswer({ state }) {
    const said = excerpt(/** @type {any} */ (model.lastOf(state, "assistant_message")), LONGEST_ANNOUNCEMENT);
    alerts.announce(say("answered", { text: said }));
  }

  /** Send a message, or let it wait until the answer and those before it are through.
   * @param {import("./composer.js").Draft} draft */
  function send(draft) {
    const conversation = conversations.shown;
    if (model.isBusy(conversation.state) || conversation.state.waiting.length) {
      dispatch(conversation, { type: "waiting.added", draft });
      alerts.announce(strings.waits);
      if (!model.isBusy(conversation.state)) sendWaiting(conversation, conversation.state.waiting[0]);
    } else sendIn(conversation, draft);
    scroll.toEnd();
  }

  /** @param {Held} conversation @param {import("./composer.js").Draft} draft */
  function sendIn(conversation, draft) {
    const { text, content, attachments, quoted, inference_options } = draft;
    const input = {
      content: content ?? (text ? [{ type: "input_text", text }] : []),
      attachments: attachments.map(({ id }) => id),
      quoted_text: quoted ?? undefined,
      inference_options: inference_options ?? {},
    };
    const thread_id = conversation.state.thread?.id;
    if (thread_id) start(conversation, "threads.add_user_message", { thread_id, input }, { draft });
    else {
      conversation.isTemporary = options.isTemporary();
      start(conversation, "threads.create", { input }, { draft });
    }
  }

  /** Let the page's own script answer a client tool. @param {Held} conversation @param {any} item */
  async function runTool(conversation, item) {
    answering.add(conversation); // it goes on in memory, with what waits
    dispatch(conversation, { type: "tool.began", id: item.id });
    let result;
    try {
      const answer = hook("tool", { name: item.name, arguments: item.arguments });
      const stopped = new Promise((resolve) => {
        conversation.stopTool = () => resolve({ error: "Stopped by the user" });
      });
      result = await Promise.race([answer ?? { error: `Unknown tool ${item.name}` }, stopped]);
    } catch (error) {
      result = { error: String(error?.message ?? error) };
    }
    dispatch(conversation, { type: "tool.ended", id: item.id });
    const params = { thread_id: item.thread_id, result: result ?? null };
    await start(conversation, "threads.add_client_tool_output", params);
  }

  /** Do what a widget asks for. @param {any} item @param {any} config ChatKit's ActionConfig
   * @param {any} payload @param {HTMLElement | undefined} node the widget's */
  async function act(item, config, payload, node) {
    const conversation = conversations.shown;
    const action = { type: config.type, payload };
    if (config.handler === "client") {
      hook("action", { action, item });
      return;
    }
    if (node?.getAttribute("aria-busy") === "true") return; // pressed twice
    const params = { thread_id: item.thread_id, item_id: item.id, action };
    node?.setAttribute("aria-busy", "true");
    try {
      if (config.streaming !== false) await start(conversation, "threads.custom_action", params);
      else {
        const { updated_item: updated } = await protocol.call("threads.sync_custom_action", params);
        if (updated) dispatch(conversation, { type: "item.changed", item: updated });
      }
    } catch (error) {
      alerts.showError(error);
    } finally {
      node?.removeAttribute("aria-busy");
    }
  }

  async function stop() {
    const { shown } = conversations;
    const { state, controller, stopTool } = shown;
    composer.focus();
    if (state.turn?.isCancellable) {
      await running.stop(shown);
      controller.abort();
    } else if (!state.turn && model.isBusy(state)) stopTool();
  }

  return { start, join, retry, edit, send, editWaiting, removeWaiting, stop, act, runTool };
}
