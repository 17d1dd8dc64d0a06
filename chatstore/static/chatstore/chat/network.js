/**
 * Whether the server can be reached. While it can't, it is asked again and again.
 *
 * @typedef {ReturnType<typeof createNetwork>} Network
 */

const LONGEST_WAIT_MS = 15000;

/**
 * @param {object} options
 * @param {() => Promise<any>} options.ask a small request; it calls found() or lost() itself
 * @param {(isLost: boolean) => void} options.onChange
 */
export function createNetwork({ ask, onChange }) {
  let isLost = false;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  function lost() {
    if (isLost) return;
    isLost = true;
    onChange(true);
    probe(1000);
  }

  function found() {
    if (!isLost) return;
    isLost = false;
    clearTimeout(timer);
    onChange(false);
  }

  /** @param {number} delayMs */
  function probe(delayMs) {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      if (!isLost) return;
      await ask().catch(() => {});
      if (isLost) probe(Math.min(Math.max(delayMs, 500) * 2, LONGEST_WAIT_MS));
    }, delayMs);
  }

  return {
    get isLost() {
      return isLost;
    },
    lost,
    found,
    probe,
  };
}
