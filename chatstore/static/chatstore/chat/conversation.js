/**
 * A conversation as data, and how each event changes it. Nothing here knows of elements or requests.
 *
 * Events are those of the ChatKit protocol and a few of the page's own, listed at `reduce`.
 *
 * @typedef {{ id: string, type: string, created_at: string, [key: string]: any }} Item
 * @typedef {{ id: string, title?: string | null, created_at: string, [key: string]: any }} Thread
 *
 * @typedef {object} Entry one item
 * @property {Item} item
 * @property {boolean} isLive its stream may still change it
 * @property {boolean} [isRunning] a client tool that this page is running
 *
 * @typedef {object} Failure
 * @property {string | null} message the server's sentence
 * @property {number} [status] of HTTP; 0: an error within a stream
 * @property {boolean} [mayRetry] where the server says so
 * @property {number} [waitMs] before it would be allowed
 *
 * @typedef {object} Turn a request that streams, and what is known of its answer
 * @property {string} type of the request
 * @property {Record<string, any>} params of the request
 * @property {any} draft what was written for it: a message that isn't stored goes back there
 * @property {object} [metadata] of the request
 * @property {string[]} replaced ids of the items that go as soon as the server has begun
 * @property {string} [before] the id of the last user message when it began
 * @property {boolean} isStored a message is once the server sends it back, anything else once there is an answer
 * @property {boolean} isCancellable
 * @property {{ icon?: string, text: string } | null} progress
 * @property {Item | null} tool the client tool that the server waits for
 * @property {boolean} [isStopped] by the user
 * @property {Failure | null} failure
 *
 * @typedef {object} Conversation
 * @property {string | null} id null: it is new
 * @property {Thread | null} thread null: it is new, or not loaded yet
 * @property {readonly Entry[]} entries in the server's order
 * @property {string | null} after where earlier items begin
 * @property {boolean} hasMore whether there are earlier ones
 * @property {Turn | null} turn the one that is under way
 * @property {Turn | null} last the one that ended, until its outcome is dealt with
 * @property {readonly any[]} waiting drafts of messages to be sent, in order, when the answer has ended
 */

/** @param {string | null} id @returns {Conversation} */
export const newConversation = (id = null) => ({
  id,
  thread: null,
  entries: [],
  after: null,
  hasMore: false,
  turn: null,
  last: null,
  waiting: [],
});

/**
 * What tells the state after an event, and changes nothing. Besides the protocol's events there are:
 *
 * - `loaded` {thread, items, after, hasMore, isRejoined, isAnswering}: the newest items, in order; what the server
 *   no longer has goes, unless it answers; after a lost connection it knows more of what was live than this page
 * - `earlier` {items, after, hasMore}
 * - `thread.changed` {thread}, `item.changed` {item}
 * - `turn.began` {request, params, draft, replaced, isStored}, `turn.ended` {isStopped, failure}
 * - `turn.settled`: its outcome is dealt with
 * - `tool.began`, `tool.ended` {id}
 * - `waiting.added`, `waiting.removed` {draft}, `waiting.emptied`
 *
 * @param {typeof import("./item_data.js").updated} updated
 * @returns {(before: Conversation, event: any) => Conversation}
 */
export function createReduce(updated) {
  return function reduce(before, event) {
    const state = withoutReplaced(before, event);
    const { turn } = state;
    switch (event.type) {
      case "thread.created":
      case "thread.updated":
      case "thread.changed":
        return withThread(state, event.thread);
      case "thread.item.added":
        return withItem(withTurn(state, afterItem(turn, event.item)), event.item, true);
      case "thread.item.done":
      case "thread.item.replaced":
        return withItem(withTurn(state, afterItem(turn, event.item)), event.item, false);
      case "thread.item.updated":
        return withTurn(withUpdate(state, event, updated), turn?.progress ? { ...turn, progress: null } : turn);
      case "thread.item.removed":
        return without(state, [event.item_id]);
      case "stream_options":
        return withTurn(state, { ...turn, isCancellable: event.stream_options.allow_cancel !== false });
      case "progress_update":
        return withTurn(state, { ...turn, progress: { icon: event.icon, text: event.text } });
      case "error":
        return withTurn(state, {
          ...turn,
          failure: { message: event.message ?? null, status: 0, mayRetry: event.allow_retry },
        });
      case "loaded":
        return withNewest(state, event);
      case "earlier":
        return withEarlier(state, event);
      case "item.changed":
        return withItem(state, event.item, false);
      case "turn.began":
        return { ...state, last: null, turn: newTurn(state, event) };
      case "turn.ended":
        return withEnding(state, event);
      case "turn.settled":
        return { ...state, last: null };
      case "tool.began":
        return withEntry(state, event.id, (entry) => ({ ...entry, isRunning: true }));
      case "tool.ended": // the server doesn't send the call again once it has its answer
        return withEntry(state, event.id, ({ item }) => ({ item: { ...item, status: "completed" }, isLive: false }));
      case "waiting.added":
        return { ...state, waiting: [...state.waiting, event.draft] };
      case "waiting.removed":
        return { ...state, waiting: state.waiting.filter((draft) => draft !== event.draft) };
      case "waiting.emptied":
        return { ...state, waiting: [] };
      default:
        return state; // an effect, a notice, or what a later version of the protocol brings
    }
  };
}

/* ------------------------------------------------------------ what one asks of a conversation */

/** @param {Conversation} state */
export const idOf = (state) => state.thread?.id ?? state.id;

/** @param {Conversation} state */
export const isActive = (state) => (state.thread?.status?.type ?? "active") === "active";

/** @param {Conversation} state @param {string} type */
export const lastOf = (state, type) => state.entries.findLast(({ item }) => item.type === type)?.item;

/** Whether an answer is under way, or waits for a tool of this page. @param {Conversation} state */
export const isBusy = ({ turn, entries }) => Boolean(turn) || entries.some(({ isRunning }) => isRunning);

/** The waiting message that is to be sent now: none after an answer that failed, that was stopped, or
 * that waits for a tool. @param {Conversation} state */
export function nextWaiting(state) {
  const { last, waiting } = state;
  const isOver = !isBusy(state) && !(last?.failure || last?.isStopped || last?.tool);
  return isOver && isActive(state) ? (waiting[0] ?? null) : null;
}

/** The turn whose message is shown though the server hasn't sent it back. @param {Conversation} state */
export const pendingOf = ({ turn, last }) => [turn, last].find((one) => one?.draft && !one.isStored) ?? null;

/** Whether there is nothing of the answer yet. @param {Conversation} state */
export const isSilent = ({ turn, entries }) =>
  Boolean(turn) && !entries.some((one) => one.isLive && /^(assistant_message|workflow)$/.test(one.item.type));

/** The items after the last user message: a retry replaces them. @param {Conversation} state */
export function answersTo(state) {
  const at = state.entries.findLastIndex(({ item }) => item.type === "user_message");
  return state.entries.slice(at + 1).map(({ item }) => item.id);
}

/* ------------------------------------------------------------ threads and turns */

/** @param {Conversation} state @param {any} thread @returns {Conversation} */
function withThread(state, { items, ...thread }) {
  return { ...state, id: thread.id, thread };
}

/** @param {Conversation} state @param {Turn | null} turn @returns {Conversation} */
const withTurn = (state, turn) => (state.turn && turn ? { ...state, turn } : state);

/** @param {Conversation} state @param {any} event @returns {Turn} */
function newTurn(state, { request, params, metadata, draft = null, replaced = [], isStored = false }) {
  return {
    type: request,
    params,
    metadata,
    draft,
    replaced,
    before: lastOf(state, "user_message")?.id,
    isStored,
    isCancellable: true,
    progress: null,
    tool: null,
    failure: null,
  };
}

/** @param {Turn | null} turn @param {Item} item @returns {Turn | null} */
function afterItem(turn, item) {
  if (!turn) return null;
  return {
    ...turn,
    isStored: turn.isStored || !turn.draft || item.type === "user_message",
    progress: null,
    tool: item.type === "client_tool_call" && item.status === "pending" ? item : turn.tool,
  };
}

/** A retry may yet be refused: what it replaces goes with the first event of its answer.
 * @param {Conversation} state @param {any} event */
function withoutReplaced(state, event) {
  const isAnswer = /^(thread\.(created|updated|item\.)|stream_options|progress_update|notice|client_effect)/;
  if (!state.turn?.replaced.length || !isAnswer.test(event.type)) return state;
  return without(withTurn(state, { ...state.turn, replaced: [] }), state.turn.replaced);
}

/** @param {Conversation} state @param {any} event @returns {Conversation} */
function withEnding(state, { isStopped = false, failure = null }) {
  const { turn } = state;
  if (!turn) return state;
  const hasOpenAnswer = state.entries.some(({ item, isLive }) => isLive && item.type === "assistant_message");
  // A server that is told to stop ends the stream in due form, in the middle of a sentence.
  /** @type {Failure | null} */
  const cut = hasOpenAnswer && !isStopped ? { message: null, status: 0 } : null;
  const ending = isStopped ? "stopped" : "failed"; // as the server says it of a thread that is loaded
  const entries = state.entries.map((entry) => {
    if (!entry.isLive) return entry;
    const isPartial = /^(assistant_message|widget)$/.test(entry.item.type);
    return { item: isPartial ? { ...entry.item, ending } : entry.item, isLive: false };
  });
  const last = { ...turn, isStopped, failure: failure ?? turn.failure ?? cut };
  return { ...state, entries, turn: null, last };
}

/* ------------------------------------------------------------ items */

/** @param {Conversation} state @param {string[]} ids @returns {Conversation} */
function without(state, ids) {
  return { ...state, entries: state.entries.filter(({ item }) => !ids.includes(item.id)) };
}

/** @param {Conversation} state @param {string} id @param {(entry: Entry) => Entry} change @returns {Conversation} */
function withEntry(state, id, change) {
  const at = state.entries.findLastIndex(({ item }) => item.id === id);
  return at < 0 ? state : { ...state, entries: state.entries.with(at, change(state.entries[at])) };
}

/** @param {Conversation} state @param {Item} item @param {boolean} isLive @returns {Conversation} */
function withItem(state, item, isLive) {
  if (state.entries.some((entry) => entry.item.id === item.id)) {
    return withEntry(state, item.id, (entry) => freshest(entry, { item, isLive }));
  }
  return { ...state, entries: [...state.entries, { item, isLive }] };
}

/** What is the same stays the same object, so that it isn't drawn again.
 * @param {Entry | undefined} known @param {Entry} fresh */
function freshest(known, fresh) {
  try {
    const isSame = known?.isLive === fresh.isLive && JSON.stringify(known.item) === JSON.stringify(fresh.item);
    return isSame ? known : fresh;
  } catch {
    return fresh; // nested too deeply to be compared
  }
}

/**
 * The newest items as the server has them; those before them stay. While an answer is under way
 * this page may know more than the answer to a question that was asked earlier, so nothing goes.
 *
 * @param {Conversation} state
 * @param {{ thread: Thread, items: Item[], after?: string | null, hasMore?: boolean, isRejoined?: boolean,
 *   isAnswering?: boolean }} event
 * @returns {Conversation}
 */
function withNewest(state, { thread, items, after = null, hasMore = false, ...event }) {
  const known = new Map(state.entries.map((entry) => [entry.item.id, entry]));
  const fresh = new Set(items.map(({ id }) => id));
  const from = state.entries.findIndex(({ item }) => fresh.has(item.id));
  const absent = (/** @type {readonly Entry[]} */ entries) => entries.filter(({ item }) => !fresh.has(item.id));
  const newest = items.map((item) => {
    const entry = known.get(item.id);
    return entry?.isLive && !event.isRejoined ? entry : freshest(entry, { item, isLive: false });
  });
  const isAnswering = Boolean(state.turn) || event.isAnswering;
  const entries = [
    ...(from < 0 ? [] : absent(state.entries.slice(0, from))),
    ...newest,
    ...(isAnswering ? absent(state.entries.slice(Math.max(from, 0))) : []),
  ];
  // With none of them known there may be a gap before them.
  const paging = from < 0 ? { after, hasMore } : {};
  const next = { ...withThread(state, thread), ...paging, entries };
  const stored = (/** @type {Turn | null} */ turn) => turn && hasArrived(next, turn) && { ...turn, isStored: true };
  return { ...next, turn: stored(next.turn) || next.turn, last: stored(next.last) || next.last };
}

/** Whether a message whose answer was never heard is there nevertheless.
 * @param {Conversation} state @param {Turn} turn */
function hasArrived(state, turn) {
  const item = lastOf(state, "user_message");
  const words = (/** @type {any} */ message) => message.content.map((/** @type {any} */ { text }) => text).join("");
  return Boolean(turn.draft && item && item.id !== turn.before && words(item) === words(turn.params.input));
}

/** @param {Conversation} state @param {any} event @returns {Conversation} */
function withEarlier(state, { items, after = null, hasMore = false }) {
  const known = new Set(state.entries.map(({ item }) => item.id));
  const earlier = items.filter((/** @type {Item} */ { id }) => !known.has(id));
  const entries = earlier.map((/** @type {Item} */ item) => ({ item, isLive: false }));
  return { ...state, entries: [...entries, ...state.entries], after, hasMore };
}

/** @param {Conversation} state @param {any} event @param {typeof import("./item_data.js").updated} updated */
function withUpdate(state, { item_id, update }, updated) {
  return withEntry(state, item_id, (entry) => ({ ...entry, item: updated(entry.item, update) }));
}
