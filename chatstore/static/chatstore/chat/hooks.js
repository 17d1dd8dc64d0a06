/**
 * Hooks: events on `document` that a site's own script may answer with
 * `event.detail.respondWith(value or promise)`. docs/how-to/page.md lists them.
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
