/**
 * What a site's own scripts hear of: hooks, events `chatstore:…` on `document` that may be answered with
 * `event.detail.respondWith(value or promise)`; and events `chatkit.…`, as OpenAI's component has them,
 * which only tell. docs/how-to/page.md lists both.
 *
 * @typedef {ReturnType<typeof createEmit>} Emit
 */

/**
 * @param {Document} document
 * @returns {(name: string, detail: object) => Promise<any> | undefined} the answer; undefined where nobody listens
 */
export function createHook(document) {
  return (name, detail) => {
    /** @type {Promise<any> | undefined} */
    let answer;
    const respondWith = (/** @type {any} */ value) => {
      answer = Promise.resolve(value);
    };
    document.dispatchEvent(new CustomEvent(`chatstore:${name}`, { detail: { ...detail, respondWith } }));
    return answer;
  };
}

/** @param {EventTarget} element */
export function createEmit(element) {
  /** @param {string} name @param {object} [detail] */
  return (name, detail) => {
    element.dispatchEvent(new CustomEvent(`chatkit.${name}`, { bubbles: true, detail }));
  };
}

/** What to tell of an event of a conversation; null for most. @param {any} event @param {boolean} isShown
 * @returns {[string, object?] | null} */
export function toldOf(event, isShown) {
  switch (event.type) {
    case "turn.began":
      return ["response.start"];
    case "turn.ended":
      return ["response.end"];
    case "client_effect":
      return ["effect", { name: event.name, data: event.data }];
    case "thread.created":
      return isShown ? ["thread.change", { threadId: event.thread.id }] : null;
    default:
      return null;
  }
}
