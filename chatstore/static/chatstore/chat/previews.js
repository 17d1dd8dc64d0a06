/**
 * The last words of each thread in the list. The protocol's list has none, so they are asked for, a
 * few at a time. What fails is asked for again, later and later; where the server says when
 * (Retry-After), then.
 *
 * @typedef {ReturnType<typeof createPreviews>} Previews
 */

const AT_ONCE = 3;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 60000;

/**
 * @param {object} options
 * @param {(id: string) => Promise<string>} options.load
 * @param {() => boolean} options.isOffline
 * @param {(id: string, words: string) => void} options.onLoaded
 * @param {(run: () => void, delayMs: number) => any} [options.schedule]
 */
export function createPreviews({ load, isOffline, onLoaded, schedule = setTimeout }) {
  /** @type {Map<string, string>} */
  const known = new Map();
  /** @type {Set<string>} in the order in which they are asked for */
  const wanted = new Set();
  let loading = 0;
  let isPaused = false;
  let waitMs = FIRST_WAIT_MS;

  /** @param {string} id @param {string} words */
  function set(id, words) {
    known.set(id, words);
    wanted.delete(id);
    onLoaded(id, words);
  }

  /** @param {string} id */
  function want(id) {
    if (!known.has(id)) wanted.add(id);
    pump();
  }

  function pump() {
    while (loading < AT_ONCE && wanted.size && !isPaused && !isOffline()) {
      const [id] = wanted;
      wanted.delete(id);
      loading++;
      load(id)
        .then((words) => {
          waitMs = FIRST_WAIT_MS;
          set(id, words);
        })
        .catch((error) => failed(id, error))
        .finally(() => {
          loading--;
          pump();
        });
    }
  }

  /** @param {string} id @param {{ status?: number, waitMs?: number }} error */
  function failed(id, error) {
    if (error.status === 404) return; // it was deleted elsewhere
    wanted.add(id);
    if (isPaused) return;
    isPaused = true;
    schedule(
      () => {
        isPaused = false;
        pump();
      },
      Math.max(error.waitMs ?? 0, waitMs),
    );
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }

  /** What is known may be out of date: ask again. @param {string} id */
  function refresh(id) {
    known.delete(id);
    want(id);
  }

  return { of: (/** @type {string} */ id) => known.get(id), set, want, refresh, resume: pump };
}
