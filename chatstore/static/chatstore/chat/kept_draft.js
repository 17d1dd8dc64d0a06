/**
 * What was written when the page is left: it is there again after a reload, and after signing in
 * again. It stays in this tab (session storage), and only the same user gets it back.
 */

const KEY = "chatstore.draft";

/**
 * @param {object} options
 * @param {() => Storage} options.storage it may be forbidden to ask for it
 * @param {string} options.user empty: nobody is signed in, and nothing is kept
 */
export function createKeptDraft({ storage, user }) {
  /** Instead of what was kept before: it may have been sent.
   * @param {Map<string | null, import("./composer.js").Draft>} written by conversation */
  function keep(written) {
    if (!user) return;
    const drafts = [...written]
      .map(([id, draft]) => ({ ...draft, id, attachments: /** @type {any[]} */ ([]) }))
      .filter(({ text, quoted }) => text || quoted);
    try {
      storage().removeItem(KEY);
      if (drafts.length) storage().setItem(KEY, JSON.stringify({ user, drafts }));
    } catch {
      // No room, or storage is forbidden.
    }
  }

  /** What was kept, once. @returns {any[]} drafts with the ids of their conversations */
  function take() {
    try {
      const kept = JSON.parse(storage().getItem(KEY));
      storage().removeItem(KEY);
      return (kept?.user === user && kept.drafts) || []; // an older version kept one draft
    } catch {
      return [];
    }
  }

  return { keep, take };
}
