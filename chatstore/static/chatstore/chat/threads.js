/**
 * The list of threads, the last active first: loaded page by page, searched, grouped by day. Pinned
 * ones come first; the archived ones are a list of their own, which takes its place.
 *
 * @typedef {ReturnType<typeof createThreads>} Threads
 * @typedef {import("./conversation.js").Thread} Thread
 */

const PAGE = 30;
const LARGEST_PAGE = 100;
const SEARCHED = 200; // the newest threads, of which the page itself searches the dates
const PREVIEW_LENGTH = 140;

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {typeof import("./text.js").excerpt} options.excerpt
 * @param {typeof import("./previews.js").createPreviews} options.createPreviews
 * @param {import("./protocol.js").Protocol["call"]} options.call
 * @param {import("./own_threads.js").OwnThreads | null} options.own null where the server has none of what is beside ChatKit
 * @param {import("./search.js").Search | null} options.search the server's; null where it has none
 * @param {() => boolean} options.isOffline
 * @param {() => Thread | null} options.shown
 * @param {(id: string) => string} options.addressOf
 * @param {(event: MouseEvent, id: string) => void} options.onFollow
 * @param {(button: HTMLElement, thread: Thread) => void} options.onMenu
 * @param {() => void} options.onDrawn
 * @param {(error: unknown) => void} options.onError
 */
export function createThreads(options) {
  const { dom, text, excerpt, call, own, search, shown, addressOf, onFollow, onMenu, onError } = options;
  const { $, el, icon } = dom;
  const { strings, say } = text;

  /** @type {Thread[]} the last active first */
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
  /** Whether it is known what is in this list. */
  let isKnown = false;
  /** @type {Promise<void> | null} */
  let coming = null;
  /** @type {Set<Promise<any>>} what is asked for and has not come */
  const loading = new Set();

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

  /** When something happened in it last, as far as that is known. @param {Thread} thread */
  const activeAt = (thread) => thread.updated_at ?? thread.created_at;
  const byTime = (/** @type {Thread} */ a, /** @type {Thread} */ b) =>
    Date.parse(activeAt(b)) - Date.parse(activeAt(a));

  /** What is known of a thread, and what is new: it was never active later than it was.
   * @param {Thread} known @param {Thread} fresh @returns {Thread} */
  const merged = (known, fresh) => ({
    ...known,
    ...fresh,
    updated_at: [known, fresh].sort(byTime).map(({ updated_at }) => updated_at)[0],
  });

  const take = (/** @type {any} */ page) => {
    after = page.after ?? null;
    hasMore = Boolean(page.has_more);
  };

  const listingOf = (/** @type {string} */ id) => listings.get(id) ?? "";
  const isPinned = (/** @type {string} */ id) => pinned.some((thread) => thread.id === id);

  /** @param {number} limit @param {string | null} [cursor] */
  async function load(limit, cursor) {
    const asked = view;
    const params = { limit, ...(cursor && { after: cursor }) };
    const page = await (own ? own.list(asked || "recent", params) : call("threads.list", { ...params, order: "desc" }));
    for (const { id } of page.data) listings.set(id, asked);
    return page;
  }

  /** Wait for a part of the list, which meanwhile says that it is not whole.
   * @template T @param {Promise<T>} part @returns {Promise<T>} */
  async function whole(part) {
    loading.add(part);
    sayWhetherBusy();
    try {
      return await part;
    } finally {
      loading.delete(part);
      sayWhetherBusy();
    }
  }

  function sayWhetherBusy() {
    const isBusy = loading.size > 0 || (query() && search?.isBusy);
    if (isBusy) $("thread-list").setAttribute("aria-busy", "true");
    else $("thread-list").removeAttribute("aria-busy");
  }

  async function reload() {
    const asked = view;
    const known = find(shown()?.id);
    const limit = Math.max(PAGE, Math.min(threads.length, LARGEST_PAGE));
    const [page, pins] = await whole(Promise.all([load(limit), own?.list("pinned")]));
    if (asked !== view) return;
    isKnown = true;
    threads = page.data;
    pinned = pins?.data ?? [];
    take(page);
    // One from further down that is open stays in sight, whichever of the two was loaded first.
    const open = known ?? shown();
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
    const page = await whole(load(query() ? LARGEST_PAGE : PAGE, after));
    if (asked !== view) return;
    const known = new Set(threads.map(({ id }) => id));
    threads.push(...page.data.filter((/** @type {Thread} */ { id }) => !known.has(id)));
    threads.sort(byTime); // one from further down may have been there before
    take(page);
    draw();
  }

  /** @param {Thread} thread */
  function put(thread) {
    pinned = pinned.map((one) => (one.id === thread.id ? merged(one, thread) : one));
    if (listingOf(thread.id) !== view) return draw();
    const at = threads.findIndex(({ id }) => id === thread.id);
    if (at >= 0) threads[at] = merged(threads[at], thread);
    else threads.push(thread);
    threads.sort(byTime);
    return draw();
  }

  /** Change one where it stands: what only the search has found may be in another list.
   * @param {Thread} thread */
  function change(thread) {
    search?.change(thread);
    if (find(thread.id)) put(thread);
    else draw();
  }

  /** @param {string} id */
  function drop(id) {
    search?.drop(id);
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
    isKnown = false;
    threads = [];
    hasMore = false;
    $("archived").setAttribute("aria-pressed", String(Boolean(list)));
    draw();
    await reload();
  }

  const query = () => text.lowerCase($("search").value.trim());

  /** @param {Thread} thread */
  function matches(thread) {
    const at = activeAt(thread);
    const searched = [
      thread.title ?? strings.untitled,
      search ? "" : previews.of(thread.id),
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
    const listed = [...first, ...rest];
    const found = query() ? withFound(listed.filter(matches)) : listed;
    const hits = query() && search ? search.rows() : [];
    /** @type {Map<string, HTMLElement[]>} */
    const groups = new Map();
    const pinnedRows = found.filter((thread) => first.includes(thread)).map(row);
    if (pinnedRows.length) groups.set(strings.pinned, pinnedRows);
    for (const thread of found) {
      if (first.includes(thread)) continue;
      const name = text.period(activeAt(thread));
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row(thread));
    }
    if (hits.length) groups.set(strings.inMessages, hits);
    const focused = document.activeElement?.closest?.("#thread-list li");
    const at = focused ? [...$("thread-list").querySelectorAll("li")].indexOf(focused) : -1;
    const sections = [...groups].map(([title, rows]) =>
      el("section", {}, el("h2", { text: title }), el("ul", {}, ...rows)),
    );
    $("thread-list").replaceChildren(...sections);
    const rows = [...$("thread-list").querySelectorAll("li")];
    // Whose row is gone finds itself on the one that took its place.
    if (focused instanceof HTMLElement) {
      const hit = rows.find(({ dataset }) => dataset.hit && dataset.hit === focused.dataset.hit);
      const place = hit ?? rowOf(focused.dataset.id) ?? rows[at] ?? rows.at(-1);
      (place?.querySelector("a") ?? $("new")).focus();
    }
    $("no-threads").hidden = found.length + hits.length > 0 || !(isKnown || query());
    $("no-threads").textContent = nothing();
    sayWhetherBusy();
    $("more-threads").hidden = query() && search ? !search.hasMore : !hasMore;
    rowsInSight.disconnect();
    for (const one of rows) if (one.dataset.id) rowsInSight.observe(one);
    options.onDrawn();
  }

  /** What is said where the list is empty. */
  function nothing() {
    if (query()) return search?.isBusy ? strings.searching : strings.nothingFound;
    return view ? strings.noArchived : strings.noThreads;
  }

  /** Those of the list, and those that the server has found besides. @param {Thread[]} listed */
  function withFound(listed) {
    const known = new Set(listed.map(({ id }) => id));
    return [...listed, ...(search?.threads ?? []).filter(({ id }) => !known.has(id))];
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
        datetime: activeAt(thread),
        title: text.longDate(activeAt(thread)),
        text: text.shortDate(activeAt(thread)),
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
      if (one.dataset.id && one.dataset.id === id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  const rowsInSight = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) previews.want(/** @type {HTMLElement} */ (target).dataset.id);
    }
  });
  // Where that fails the button stays, and says why.
  const isSearching = () => Boolean(query() && search); // each further page of that is asked for
  const endInSight = new IntersectionObserver(
    ([entry]) => entry.isIntersecting && !isSearching() && more().catch(() => {}),
    { rootMargin: "200px" },
  );
  endInSight.observe($("more-threads"));
  $("more-threads").addEventListener("click", () => (isSearching() ? search.more() : more().catch(onError)));

  $("archived").hidden = !own;
  $("archived").addEventListener("click", () => show(view ? "" : "archived").catch(onError));

  /** @type {ReturnType<typeof setTimeout>} */
  let searching;
  $("search").addEventListener("input", () => {
    search?.look($("search").value.trim());
    draw();
    clearTimeout(searching);
    searching = setTimeout(async () => {
      try {
        while (query() && hasMore && !(search && threads.length >= SEARCHED)) await more();
      } catch (error) {
        onError(error);
      }
      if (query() && !search) for (const { id } of threads.slice(0, SEARCHED)) previews.want(id);
    }, 250);
  });

  /** From the field to what it has found, and on from row to row. @param {KeyboardEvent} event */
  function walk(event) {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const links = /** @type {HTMLElement[]} */ ([...$("thread-list").querySelectorAll("li > a")]);
    const stops = [$("search"), ...links];
    const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0 || !stops[at + step]) return;
    event.preventDefault();
    stops[at + step].focus();
  }
  $("search").addEventListener("keydown", walk);
  $("thread-list").addEventListener("keydown", walk);

  /** @param {string | null | undefined} id */
  function find(id) {
    return [...threads, ...pinned].find((thread) => thread.id === id);
  }

  return {
    reload,
    draw,
    put,
    change,
    drop,
    setListing,
    setPinned,
    isPinned,
    listingOf,
    markShown,
    find,
    setPreview: (/** @type {string} */ id, /** @type {any[]} */ newestFirst) => previews.set(id, words(newestFirst)),
    refreshPreview: previews.refresh,
    resumePreviews: previews.resume,
  };
}
