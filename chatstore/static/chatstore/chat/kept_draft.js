/**
 * What was being written when the page is left: it is there again after a reload, and after signing
 * in again. It stays in this tab (session storage), and only the same user gets it back.
 *
 * @typedef {{ id: string | null, text: string, quoted: string | null, entities?: any[],
 *   inference_options?: object }} KeptDraft
 */

const KEY = "chatstore.draft";

/**
 * @param {object} options
 * @param {() => Storage} options.storage it may be forbidden to ask for it
 * @param {string} options.user empty: nobody is signed in, and nothing is kept
 */
export function createKeptDraft({ storage, user }) {
  /** @param {KeptDraft} draft */
  function keep({ id, text, quoted, entities, inference_options }) {
    if (!user || !(text || quoted)) return;
    try {
      storage().setItem(KEY, JSON.stringify({ user, id, text, quoted, entities, inference_options }));
    } catch {
      // No room, or storage is forbidden.
    }
  }

  /** What was kept, once. @returns {KeptDraft | null} */
  function take() {
    try {
      const kept = JSON.parse(storage().getItem(KEY));
      storage().removeItem(KEY);
      return kept?.user === user ? kept : null;
    } catch {
      return null;
    }
  }

  return { keep, take };
}
