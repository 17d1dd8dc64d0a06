/**
 * Asks again and again what other tabs and devices have changed: which conversations are being
 * answered, and whether the one that is shown is still as it was. Seldom while nobody is at the page,
 * and never while it is hidden.
 *
 * @typedef {ReturnType<typeof createChanges>} Changes
 */

const LOOK_MS = 1500;
const IDLE_MS = 60000; // without a key, a click or a change, after which it asks less and less often
const LONGEST_MS = 15000;

/** How long to wait before the next look. @param {number} idleMs since somebody was there */
export const waitAfter = (idleMs) => (idleMs < IDLE_MS ? LOOK_MS : Math.min(LONGEST_MS, idleMs / 20));

/**
 * @param {object} options
 * @param {string} options.url empty: the server has no such request
 * @param {import("./protocol.js").Protocol["ask"]} options.ask
 * @param {Document} options.document
 * @param {BroadcastChannel | null} options.channel to the site's other tabs
 * @param {() => string | null} options.shownId
 * @param {() => boolean} options.isOffline
 * @param {() => boolean} options.isFollowed whether this page hears of each change by itself
 * @param {(ids: Set<string>) => void} options.onAnswering conversations that are being answered
 * @param {() => void} options.onChanged the one that is shown
 */
export function createChanges(options) {
  const { url, ask, document, channel, shownId, isOffline, isFollowed, onAnswering, onChanged } = options;
  /** @type {{ id: string | null, seen: string | null } | null} */
  let known = null;
  let activeAt = Date.now();
  let isLooking = false;
  let waits = LOOK_MS;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  async function look() {
    clearTimeout(timer);
    if (!url || document.hidden || isLooking) return;
    isLooking = true;
    const id = shownId();
    try {
      if (!isOffline()) take(id, await ask(id ? `${url}?thread=${encodeURIComponent(id)}` : url));
    } catch {
      // The next look may do better.
    }
    isLooking = false;
    waits = waitAfter(Date.now() - activeAt);
    timer = setTimeout(look, waits);
  }

  /** @param {string | null} id @param {{ answering: string[], seen: string | null }} answer */
  function take(id, { answering, seen }) {
    if (answering.length) activeAt = Date.now();
    onAnswering(new Set(answering));
    if (id !== shownId()) return;
    const isNew = known?.id === id && known.seen !== seen;
    known = { id, seen };
    if (!isNew || isFollowed()) return;
    activeAt = Date.now();
    onChanged();
  }

  function wake() {
    activeAt = Date.now();
    if (waits > LOOK_MS) look();
  }

  /** This page has got an answer: it knows what has changed, and other tabs look at once. What there is
   * of a stopped one is what the server has kept. @param {{ isStopped: boolean }} ending */
  function tell({ isStopped }) {
    if (!isStopped) known = null;
    channel?.postMessage(null);
    look();
  }

  channel?.addEventListener("message", look);
  document.addEventListener("visibilitychange", () => document.hidden || look());
  for (const type of ["pointerdown", "keydown"]) document.addEventListener(type, wake, { passive: true });

  return { look, tell };
}
