/**
 * What may have changed elsewhere (another tab, a moderator, a lost connection) is asked again.
 *
 * @typedef {ReturnType<typeof createRefresh>} Refresh
 */

const AWAY_MS = 30000;

/**
 * @param {object} options
 * @param {import("./network.js").Network} options.network
 * @param {import("./threads.js").Threads} options.threads
 * @param {import("./conversations.js").Conversations} options.conversations
 * @param {(error: any) => void} options.onError
 */
export function createRefresh({ network, threads, conversations, onError }) {
  async function refresh() {
    threads.resumePreviews();
    const { shown } = conversations;
    if (shown.state.id && !shown.state.thread) conversations.open(shown.state.id); // it could not be loaded
    const isAtRest = shown.state.thread && !shown.state.turn;
    try {
      await Promise.all([threads.reload(), isAtRest && conversations.load(shown)]);
    } catch (error) {
      if (!network.isLost) onError(error);
    }
  }

  let seenAt = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seenAt = Date.now();
    else if (Date.now() - seenAt > AWAY_MS && !network.isLost) refresh();
  });
  addEventListener("offline", () => network.lost());
  addEventListener("online", () => network.probe(0));

  return refresh;
}
