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
    const { id, thread } = conversations.shown.state;
    threads.resumePreviews();
    if (id && !thread) conversations.open(id); // it could not be loaded
    await Promise.all([refresh.list(), refresh.conversation()]);
  }
  refresh.list = () => threads.reload().catch(report);
  refresh.conversation = async () => {
    const { shown } = conversations;
    const isAtRest = shown.state.thread && (!shown.state.turn || shown.isElsewhere);
    if (isAtRest) await conversations.load(shown).catch(report);
  };

  /** @param {any} error */
  function report(error) {
    if (!network.isLost) onError(error);
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
