/**
 * The messages of a conversation on the page, and what stands around them: title, status, progress.
 *
 * @typedef {ReturnType<typeof createTimeline>} Timeline
 * @typedef {import("./conversation.js").Conversation} Conversation
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {string} options.siteTitle
 * @param {typeof import("./conversation.js")} options.model
 * @param {import("./items.js").Items} options.ItemView
 * @param {typeof import("./waiting.js").asItem} options.asItem
 * @param {import("./waiting.js").Waiting} options.drawWaiting
 * @param {import("./scroll.js").Scroll} options.scroll
 * @param {(id: string | null) => any} options.threadOf one that the list knows, before it is loaded
 * @param {() => void} options.onRetry
 * @param {() => void} options.onEarlier
 * @param {(state: Conversation) => void} options.onDrawn
 */
export function createTimeline(options) {
  const { dom, strings, siteTitle, model, ItemView, scroll, threadOf, onDrawn } = options;
  const { $ } = dom;
  /** @type {Map<string, InstanceType<import("./items.js").Items>>} */
  let views = new Map();
  /** @type {Conversation | null} */
  let drawn = null;

  const retryButton = dom.iconButton("reload", strings.retry, () => options.onRetry(), { id: "retry-turn" });
  const earlierInSight = new IntersectionObserver(([entry]) => entry.isIntersecting && options.onEarlier(), {
    root: scroll.scroller,
    rootMargin: "600px 0px 0px",
  });
  $("older")
    .querySelector("button")
    .addEventListener("click", () => options.onEarlier());

  /** Show another conversation. @param {Conversation} state */
  function show(state) {
    views = new Map();
    drawn = null;
    $("items").replaceChildren();
    draw(state);
  }

  /** @param {Conversation} state */
  function draw(state) {
    const before = drawn;
    drawn = state;
    if (state.entries !== before?.entries) drawEntries(state.entries);
    drawPending(state);
    if (state.waiting !== before?.waiting) options.drawWaiting(state.waiting);
    // What follows changes with few events; a word of an answer is none of them.
    const isSame =
      before?.thread === state.thread &&
      before?.turn === state.turn &&
      before?.entries.length === state.entries.length &&
      model.isBusy(before) === model.isBusy(state);
    if (!isSame) drawSurroundings(state);
  }

  /** @param {Conversation["entries"]} entries */
  function drawEntries(entries) {
    const kept = new Set(entries.map(({ item }) => item.id));
    for (const [id, view] of views) {
      if (kept.has(id)) continue;
      view.node.remove();
      views.delete(id);
    }
    const isEarlier = views.size > 0 && entries.length > 0 && !views.has(entries[0].item.id);
    if (isEarlier) scroll.keepPlace(() => place(entries));
    else place(entries);
  }

  /** @param {Conversation["entries"]} entries */
  function place(entries) {
    let next = $("items").firstElementChild;
    for (const entry of entries) {
      let view = views.get(entry.item.id);
      if (view) view.update(entry);
      else {
        view = new ItemView(entry);
        views.set(entry.item.id, view);
      }
      if (view.node === next) next = next.nextElementSibling;
      else $("items").insertBefore(view.node, next);
    }
  }

  /** The user's message as it was sent, until the server sends it back. @param {Conversation} state */
  function drawPending(state) {
    const turn = model.pendingOf(state);
    if (!turn) {
      $("pending").replaceChildren();
      $("pending").turn = null;
    } else if ($("pending").turn !== turn.params) {
      const item = options.asItem(turn.draft);
      $("pending").turn = turn.params;
      $("pending").replaceChildren(new ItemView({ item, isLive: false }).node);
    }
  }

  /** @param {Conversation} state */
  function drawSurroundings(state) {
    drawTitle(state);
    drawStatus(state);
    drawEarlier(state);
    drawProgress(state);
    // Nobody edits a message while it is being answered, or in a conversation that is closed.
    $("items").toggleAttribute("data-fixed", model.isBusy(state) || !model.isActive(state));
    drawRetry(state);
    onDrawn(state);
  }

  /** @param {Conversation} state */
  function drawTitle({ thread, id, entries, turn, last }) {
    const known = thread ?? threadOf(id);
    const title = known ? known.title || strings.untitled : id ? "" : strings.newChat;
    $("title").textContent = title;
    document.title = [title, siteTitle].filter(Boolean).join(" · ");
    $("thread-menu").hidden = !thread;
    $("welcome").hidden = Boolean(id) || entries.length > 0 || Boolean(turn ?? last);
  }

  /** @param {Conversation} state */
  function drawStatus(state) {
    const status = state.thread?.status ?? { type: "active" };
    const isActive = model.isActive(state);
    $("closed").hidden = isActive;
    $("composer").hidden = !isActive;
    if (isActive) return;
    $("closed-text").textContent = strings[status.type];
    $("closed-reason").textContent = status.reason ?? "";
  }

  /** @param {Conversation} state */
  function drawEarlier({ hasMore }) {
    $("older").hidden = !hasMore;
    // Observed anew: it reports only changes, and after a short page the button may never have left.
    earlierInSight.unobserve($("older"));
    if (hasMore) earlierInSight.observe($("older"));
  }

  /** @param {Conversation} state */
  function drawProgress(state) {
    const { turn } = state;
    $("items").setAttribute("aria-busy", Boolean(turn));
    $("progress").hidden = !turn || !(turn.progress || model.isSilent(state));
    if (!turn) return;
    const sign = turn.progress?.icon ? [dom.icon(turn.progress.icon)] : [];
    $("progress-text").replaceChildren(...sign, turn.progress?.text ?? strings.thinking);
  }

  /** @param {Conversation} state */
  function drawRetry(state) {
    $("retry-slot").hidden = true;
    retryButton.remove();
    if (model.isBusy(state) || !model.isActive(state) || !model.lastOf(state, "user_message")) return;
    const last = state.entries.findLast(({ item }) => !views.get(item.id).node.hidden);
    if (!last || last.item.type === "user_message") return;
    const actions = views.get(last.item.id).node.querySelector(".actions");
    $("retry-slot").hidden = Boolean(actions);
    (actions ?? $("retry-slot")).append(retryButton);
  }

  return {
    show,
    draw,
    nodeOf: (/** @type {string} */ id) => views.get(id)?.node,
  };
}
