/**
 * Requests beside the ChatKit endpoint: what a user does with a thread besides writing in it.
 *
 * @typedef {ReturnType<typeof createOwnThreads>} OwnThreads
 * @typedef {{ pinned_at: string | null, archived_at: string | null, shared_at: string | null,
 *   is_temporary: boolean, is_answering: boolean, link?: string }} ThreadState `link` is a new link's path
 */

/**
 * @param {object} options
 * @param {string} options.url of the threads
 * @param {string} options.searchUrl
 * @param {string} options.commentUrl
 * @param {import("./protocol.js").Protocol["ask"]} options.ask
 */
export function createOwnThreads({ url, searchUrl, commentUrl, ask }) {
  const address = (/** @type {string} */ id) => `${url}${encodeURIComponent(id)}/`;

  return {
    /** A list as threads.list answers it. @param {"recent" | "pinned" | "archived"} name @param {{ limit?: number, after?: string | null }} [page] */
    list: (name, { limit, after } = {}) =>
      ask(
        `${url}?${new URLSearchParams({ list: name, ...(limit && { limit: String(limit) }), ...(after && { after }) })}`,
      ),
    /** @param {string} words @param {string | null} [after] */
    search: (words, after) => ask(`${searchUrl}?${new URLSearchParams({ q: words, ...(after && { after }) })}`),
    /** Say what is wrong with an answer that has a thumb down. @param {any} item @param {string} comment */
    comment: (item, comment) => ask(commentUrl, { thread_id: item.thread_id, item_id: item.id, comment }),
    /** @param {string} id @returns {Promise<ThreadState>} */
    state: (id) => ask(address(id)),
    /** @param {string} id @param {{ pinned: boolean } | { archived: boolean } | { shared: boolean }} change
     * @returns {Promise<ThreadState>} */
    change: (id, change) => ask(address(id), change),
    /** @param {string} id @param {string} format */
    exportUrl: (id, format) => `${address(id)}export/?format=${format}`,
  };
}
