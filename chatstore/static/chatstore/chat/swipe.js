/**
 * Swipes over the page, by finger: which way, where nothing else wants them.
 *
 * @typedef {"start" | "end"} Side where a line of text begins, where it ends
 */

const LEAST = 56; // pixels
const LONGEST_MS = 700;

/**
 * @param {object} options
 * @param {HTMLElement} options.node
 * @param {() => boolean} options.isRtl
 * @param {(towards: Side) => void} options.onSwipe
 */
export function watchSwipes({ node, isRtl, onSwipe }) {
  /** @type {{ x: number, y: number, at: number } | null} */
  let begun = null;

  /** What scrolls sideways, or takes a finger for its own use. @param {any} target */
  function isTaken(target) {
    if (target.closest("input[type=range], textarea, select, iframe, dialog, [popover]")) return true;
    for (let inner = target; inner && inner !== node; inner = inner.parentElement) {
      if (inner.scrollWidth <= inner.clientWidth + 1) continue;
      if (/auto|scroll/.test(getComputedStyle(inner).overflowX)) return true;
    }
    return false;
  }

  const touch = (/** @type {TouchEvent} */ event) => event.changedTouches[0];
  const end = () => {
    begun = null;
  };

  node.addEventListener(
    "touchstart",
    (event) => {
      const { clientX: x, clientY: y } = touch(event);
      begun = event.touches.length === 1 && !isTaken(event.target) ? { x, y, at: event.timeStamp } : null;
    },
    { passive: true },
  );
  node.addEventListener(
    "touchmove",
    (event) => {
      if (!begun) return;
      const across = touch(event).clientX - begun.x;
      const down = Math.abs(touch(event).clientY - begun.y);
      if (down > 24 && down > Math.abs(across) / 2) return end(); // it scrolls the page
      if (event.timeStamp - begun.at > LONGEST_MS) return end(); // a text is being selected
      if (Math.abs(across) < LEAST) return;
      end();
      onSwipe(across > 0 !== isRtl() ? "end" : "start");
    },
    { passive: true },
  );
  node.addEventListener("touchend", end, { passive: true });
  node.addEventListener("touchcancel", end, { passive: true });
}
