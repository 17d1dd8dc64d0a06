/**
 * The list of threads: loaded page by page, searched, grouped by day. Pinned ones come first; the
 * archived ones are a list of their own, which takes its place.
 *
 * @typedef {ReturnType<typeof createThreads>} Threads
 * @typedef {import("./conversation.js").Thread} Thread
 */

const PAGE = 30;
const LARGEST_PAGE = 100;
const SEARCHED = 200; // the newest threads, of which the last words are searched too
const PREVIEW_LENGTH = 140;

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {typeof import("./text.js").excerpt} options.excerpt
 * @param {typeof import("./previews.js").createPreviews} options.createPreviews
 * @param {import("./protocol.js").Protocol["call"]} options.call
 * @param {import("./own_threads.js").OwnThreads | null} options.own null where the server has neither pins nor archive
 * @param {() => boolean} options.isOffline
 * @param {() => Thread | null} options.shown
 * @param {(id: string) => string} options.addressOf
 * @param {(event: MouseEvent, id: string) => void} options.onFollow
 * @param {(button: HTMLElement, thread: Thread) => void} options.onMenu
 * @param {() => void} options.onDrawn
 * @param {(error: unknown) => void} options.onError
 */
export function createThreads(options) {
  const { dom, text, excerpt, call, own, shown, addressOf, onFollow, onMenu, onError } = options;
  const { $, el, icon } = dom;
  const { strings, say } = text;

  /** @type {Thread[]} newest first */
  let threads = [];
  /** @type {Thread[]} the newest pin first */
  let pinned = [];
  /** @type {"" | "archived"} the list that is shown */
  let view = "";
  /** @type {Map<string, string>} in which list a thread is; those that are missing here are in "" */
  const listings = new Map();
  /** @type {string | null} */
  let after = null;
  let hasMore = false;
  /** @type {Promise<void> | null} */
  let coming = null;

  const previews = options.createPreviews({
    isOffline: options.isOffline,
    async load(id) {
      const { data } = await call("items.list", { thread_id: id, limit: 6, order: "desc" });
      return words(data);
    },
    onLoaded(id, said) {
      const row = rowOf(id);
      if (row) row.querySelector(".row-preview").textContent = said;
      else if (query() && said) draw();
    },
  });

  /** @param {any[]} newestFirst */
  const words = (newestFirst) =>
    excerpt(
      newestFirst.find(({ type }) => /^(assistant|user)_message$/.test(type)),
      PREVIEW_LENGTH,
    );

  const byTime = (/** @type {Thread} */ a, /** @type {Thread} */ b) =>
    new Date(b.created_at).getTime() - new Date(a.created_at).getTime();

  const take = (/** @type {any} */ page) => {
    after = page.after ?? null;
    hasMore = Boolean(page.has_more);
  };

  const listingOf = (/** @type {string} */ id) => listings.get(id) ?? "";
  const isPinned = (/** @type {string} */ id) => pinned.some((thread) => thread.id === id);

  /** @param {number} limit @param {string | null} [cursor] */
  async function load(limit, cursor) {
    const asked = view;
    const params = { limit, order: "desc", ...(cursor && { after: cursor }) };
    const page = await (asked ? own.list(asked, cursor) : call("threads.list", params));
    for (const { id } of page.data) listings.set(id, asked);
    return page;
  }

  async function reload() {
    const asked = view;
    const limit = Math.max(PAGE, Math.min(threads.length, LARGEST_PAGE));
    const [page, pins] = await Promise.all([load(limit), own?.list("pinned")]);
    if (asked !== view) return;
    threads = page.data;
    pinned = pins?.data ?? [];
    take(page);
    // One from further down that is open stays in sight, whichever of the two was loaded first.
    const open = shown();
    if (open && listingOf(open.id) === view && hasMore && byTime(open, threads.at(-1)) > 0) threads.push(open);
    draw();
  }

  /** Load the next page; whoever asks meanwhile waits for the same one. */
  function more() {
    coming ??= loadMore().finally(() => {
      coming = null;
    });
    return coming;
  }

  async function loadMore() {
    const asked = view;
    if (!hasMore) return;
    const page = await load(query() ? LARGEST_PAGE : PAGE, after);
    if (asked !== view) return;
    const known = new Set(threads.map(({ id }) => id));
    threads.push(...page.data.filter((/** @type {Thread} */ { id }) => !known.has(id)));
    threads.sort(byTime); // one from further down may have been there before
    take(page);
    draw();
  }

  /** @param {Thread} thread */
  function put(thread) {
    pinned = pinned.map((one) => (one.id === thread.id ? { ...one, ...thread } : one));
    if (listingOf(thread.id) !== view) return draw();
    const at = threads.findIndex(({ id }) => id === thread.id);
    if (at >= 0) threads[at] = { ...threads[at], ...thread };
    else threads.push(thread);
    threads.sort(byTime);
    return draw();
  }

  /** @param {string} id */
  function drop(id) {
    threads = threads.filter((thread) => thread.id !== id);
    pinned = pinned.filter((thread) => thread.id !== id);
    draw();
  }

  /** A thread is now in this list. @param {string} id @param {string} listing */
  function setListing(id, listing) {
    listings.set(id, listing);
    if (listing !== view) threads = threads.filter((thread) => thread.id !== id);
    if (listing) pinned = pinned.filter((thread) => thread.id !== id);
    draw();
  }

  /** @param {Thread} thread @param {boolean} isNow */
  function setPinned(thread, isNow) {
    pinned = pinned.filter(({ id }) => id !== thread.id);
    if (isNow) pinned.unshift(thread);
    draw();
  }

  /** Show another list in the place of this one. @param {"" | "archived"} list */
  async function show(list) {
    view = list;
    threads = [];
    hasMore = false;
    $("archived").setAttribute("aria-pressed", String(Boolean(list)));
    draw();
    await reload();
  }

  const query = () => text.lowerCase($("search").value.trim());

  /** @param {Thread} thread */
  function matches(thread) {
    const at = thread.created_at;
    const searched = [
      thread.title ?? strings.untitled,
      previews.of(thread.id),
      text.longDate(at),
      text.dayName(at),
      at,
    ];
    const all = text.lowerCase(searched.join(" "));
    return query()
      .split(/\s+/)
      .every((/** @type {string} */ word) => all.includes(word));
  }

  /** @param {string} id */
  const rowOf = (id) => $("thread-list").querySelector(`[data-id="${CSS.escape(id)}"]`);

  function draw() {
    const first = view ? [] : pinned;
    const rest = view ? threads : threads.filter(({ id }) => !isPinned(id));
    const found = query() ? [...first, ...rest].filter(matches) : [...first, ...rest];
    /** @type {Map<string, HTMLElement[]>} */
    const groups = new Map();
    const pinnedRows = found.filter((thread) => first.includes(thread)).map(row);
    if (pinnedRows.length) groups.set(strings.pinned, pinnedRows);
    for (const thread of found) {
      if (first.includes(thread)) continue;
      const name = text.period(thread.created_at);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row(thread));
    }
    const focused = document.activeElement?.closest?.("#thread-list li");
    const at = focused ? [...$("thread-list").querySelectorAll("li")].indexOf(focused) : -1;
    const sections = [...groups].map(([title, rows]) =>
      el("section", {}, el("h2", { text: title }), el("ul", {}, ...rows)),
    );
    $("thread-list").replaceChildren(...sections);
    const rows = [...$("thread-list").querySelectorAll("li")];
    // Whose row is gone finds itself on the one that took its place.
    if (focused instanceof HTMLElement) {
      const place = rowOf(focused.dataset.id) ?? rows[at] ?? rows.at(-1);
      (place?.querySelector("a") ?? $("new")).focus();
    }
    $("no-threads").hidden = found.length > 0;
    $("no-threads").textContent = query() ? strings.nothingFound : view ? strings.noArchived : strings.noThreads;
    $("more-threads").hidden = !hasMore;
    rowsInSight.disconnect();
    for (const one of rows) rowsInSight.observe(one);
    options.onDrawn();
  }

  /** @param {Thread} thread */
  function row(thread) {
    const title = thread.title || strings.untitled;
    const status = thread.status?.type ?? "active";
    const heading = el(
      "span",
      { class: "row-title" },
      status !== "active" && icon(status === "locked" ? "lock" : "archive"),
      el("bdi", { text: title }),
    );
    const link = el(
      "a",
      {
        href: addressOf(thread.id),
        "aria-current": thread.id === shown()?.id && "page",
        onclick: (/** @type {MouseEvent} */ event) => onFollow(event, thread.id),
      },
      heading,
      el("span", { class: "row-preview", dir: "auto", text: previews.of(thread.id) ?? "" }),
      el("time", {
        datetime: thread.created_at,
        title: text.longDate(thread.created_at),
        text: text.shortDate(thread.created_at),
      }),
    );
    const open = () => onMenu(menu, thread);
    const menu = dom.iconButton("dots-horizontal", say("actionsFor", { title }), open, { "aria-haspopup": "menu" });
    return el("li", { "data-id": thread.id }, link, menu);
  }

  /** @param {string | null | undefined} id */
  function markShown(id) {
    for (const one of $("thread-list").querySelectorAll("li")) {
      const link = one.querySelector("a");
      if (one.dataset.id === id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  const rowsInSight = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) previews.want(/** @type {HTMLElement} */ (target).dataset.id);
    }
  });
  // Where that fails the button stays, and says why.
  const endInSight = new IntersectionObserver(([entry]) => entry.isIntersecting && more().catch(() => {}), {
    rootMargin: "200px",
  });
  endInSight.observe($("more-threads"));
  $("more-threads").addEventListener("click", () => more().catch(onError));

  $("archived").hidden = !own;
  $("archived").addEventListener("click", () => show(view ? "" : "archived").catch(onError));

  /** @type {ReturnType<typeof setTimeout>} */
  let searching;
  $("search").addEventListener("input", () => {
    draw();
    clearTimeout(searching);
    searching = setTimeout(async () => {
      try {
        while (query() && hasMore) await more();
      } catch (error) {
        onError(error);
      }
      if (query()) for (const { id } of threads.slice(0, SEARCHED)) previews.want(id);
    }, 250);
  });

  return {
    reload,
    put,
    drop,
    setListing,
    setPinned,
    isPinned,
    listingOf,
    markShown,
    find: (/** @type {string | null} */ id) => [...threads, ...pinned].find((thread) => thread.id === id),
    setPreview: (/** @type {string} */ id, /** @type {any[]} */ newestFirst) => previews.set(id, words(newestFirst)),
    refreshPreview: previews.refresh,
    resumePreviews: previews.resume,
  };
}
