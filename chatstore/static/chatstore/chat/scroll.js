/**
 * Whoever reads the end of a conversation goes on reading the end, whatever grows there; who scrolls
 * up, stays.
 *
 * @typedef {ReturnType<typeof createScroll>} Scroll
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {() => void} options.onScroll
 */
export function createScroll({ dom, onScroll }) {
  const scroller = dom.$("scroller");
  const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  let follows = true;
  let lastTop = 0;

  function toEnd() {
    follows = true;
    scroller.scrollTop = scroller.scrollHeight;
    lastTop = scroller.scrollTop; // who scrolls up before the event of this has come, has scrolled up
  }

  /** Show an element, wherever it is. @param {HTMLElement} node */
  function reveal(node) {
    follows = false;
    const show = () => {
      node.scrollIntoView({ block: "center" });
      lastTop = scroller.scrollTop;
    };
    show();
    requestAnimationFrame(show); // those around it have their heights once they are in sight
  }

  /** Add something above what is being read, which stays where it is. @param {() => void} add */
  function keepPlace(add) {
    const first = dom.$("items").firstElementChild;
    const before = first?.getBoundingClientRect().top ?? 0;
    scroller.style.overflowAnchor = "none";
    add();
    scroller.scrollTop += (first?.getBoundingClientRect().top ?? 0) - before;
    requestAnimationFrame(() => {
      scroller.style.overflowAnchor = "";
    });
  }

  const sizes = new ResizeObserver(() => follows && toEnd());
  sizes.observe(scroller);
  sizes.observe(scroller.querySelector(".column"));
  scroller.addEventListener(
    "scroll",
    () => {
      const isEnd = isAtEnd();
      if (isEnd || scroller.scrollTop < lastTop) follows = isEnd;
      lastTop = scroller.scrollTop;
      dom.$("to-end").hidden = isEnd;
      onScroll();
    },
    { passive: true },
  );

  return { scroller, toEnd, reveal, keepPlace };
}
