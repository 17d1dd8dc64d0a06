/**
 * The server's search in titles and messages, for the list of threads.
 *
 * @typedef {ReturnType<typeof createSearch>} Search
 * @typedef {{ thread_id: string, item_id: string, title: string, created_at: string, excerpt: [string, boolean][] }} Hit
 */

const WAIT_MS = 300; // after a key, before the server is asked

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {import("./own_threads.js").OwnThreads["search"]} options.ask
 * @param {(id: string, item?: string) => string} options.addressOf
 * @param {(event: MouseEvent, id: string, item?: string) => void} options.onFollow
 * @param {() => void} options.onFound
 * @param {(message: string) => void} options.announce
 * @param {(error: unknown) => void} options.onError
 */
export function createSearch({ dom, text, ask, addressOf, onFollow, onFound, announce, onError }) {
  const { el } = dom;
  const { strings } = text;
  /** What is searched for. */
  let words = "";
  /** @type {any[]} threads whose titles have the words */
  let threads = [];
  /** @type {Hit[]} */
  let hits = [];
  /** @type {string | null} */
  let after = null;
  let isBusy = false;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  /** Search for other words; for none, empty. @param {string} wanted */
  function look(wanted) {
    if (wanted === words) return;
    words = wanted;
    threads = [];
    hits = [];
    after = null;
    isBusy = Boolean(words);
    clearTimeout(timer);
    if (words) timer = setTimeout(() => load(null), WAIT_MS);
  }

  /** @param {string | null} cursor */
  async function load(cursor) {
    const wanted = words;
    isBusy = true;
    try {
      const page = await ask(wanted, cursor);
      if (wanted !== words) return;
      if (page.threads.length) threads = page.threads;
      hits = [...hits, ...page.data];
      after = page.after ?? null;
      announce(text.sayCount("messagesFound", hits.length));
    } catch (error) {
      if (wanted !== words) return;
      onError(error);
    }
    isBusy = false;
    onFound();
  }

  /** @param {any} thread */
  function change({ id, title }) {
    threads = threads.map((one) => (one.id === id ? { ...one, title } : one));
    hits = hits.map((hit) => (hit.thread_id === id ? { ...hit, title } : hit));
  }

  /** @param {string} id */
  function drop(id) {
    threads = threads.filter((thread) => thread.id !== id);
    hits = hits.filter((hit) => hit.thread_id !== id);
  }

  /** @param {Hit} hit */
  function row(hit) {
    const said = hit.excerpt.map(([part, isMatch]) => el(isMatch ? "mark" : "span", { text: part }));
    return el(
      "li",
      { class: "hit", "data-hit": `${hit.thread_id} ${hit.item_id}` },
      el(
        "a",
        {
          href: addressOf(hit.thread_id, hit.item_id),
          onclick: (/** @type {MouseEvent} */ event) => onFollow(event, hit.thread_id, hit.item_id),
        },
        el("span", { class: "row-title" }, el("bdi", { text: hit.title || strings.untitled })),
        el("time", {
          datetime: hit.created_at,
          title: text.longDate(hit.created_at),
          text: text.shortDate(hit.created_at),
        }),
        el("span", { class: "row-excerpt", dir: "auto" }, ...said),
      ),
    );
  }

  return {
    look,
    change,
    drop,
    more: () => (after && !isBusy ? load(after) : undefined),
    rows: () => hits.map(row),
    get threads() {
      return threads;
    },
    get hasMore() {
      return Boolean(after);
    },
    get isBusy() {
      return isBusy;
    },
  };
}
