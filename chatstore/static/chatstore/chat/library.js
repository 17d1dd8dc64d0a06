/**
 * A library that is loaded when something needs it for the first time, and the drawing that it is
 * needed for: at once where there is little of it, else some each frame.
 *
 * @typedef {ReturnType<typeof createLibrary>} Library
 */

const PER_FRAME = 10_000; // characters

/**
 * @param {(() => Promise<any>) | null} load null: there is no such library here
 * @param {(run: () => void) => void} nextFrame
 */
export function createLibrary(load, nextFrame) {
  let state = load ? "absent" : "failed";
  /** @type {any} */
  let library = null;
  let isWaiting = false;
  let spent = 0; // in this frame
  /** @type {{ length: number, draw: (library: any) => void }[]} */
  const queue = [];

  async function start() {
    state = "loading";
    try {
      library = await load();
      state = "ready";
      drawSome();
    } catch (error) {
      console.error(error); // what it would have drawn stays as it was written
      state = "failed";
      queue.length = 0;
    }
  }

  function drawSome() {
    while (queue.length && spent < PER_FRAME) {
      const { length, draw } = queue.shift();
      spent += length;
      draw(library);
    }
    if (isWaiting || !spent) return;
    isWaiting = true;
    nextFrame(() => {
      isWaiting = false;
      spent = 0;
      drawSome();
    });
  }

  /**
   * Draw something with the library, now or later. Drawing must not throw.
   *
   * @param {number} length of what is drawn, in characters
   * @param {(library: any) => void} draw
   */
  return (length, draw) => {
    if (state === "failed") return;
    queue.push({ length, draw });
    if (state === "absent") start();
    if (state === "ready") drawSome();
  };
}

/**
 * What few answers need, by the addresses that its template names.
 *
 * @param {DOMStringMap} addresses
 */
export function loaders({ katexUrl, highlighterUrl, chartUrl, chartGeometryUrl }) {
  return {
    async chart() {
      const [{ createChart }, geometry] = await Promise.all([import(chartUrl), import(chartGeometryUrl)]);
      return { createChart, geometry };
    },
    async katex() {
      await import(katexUrl); // no module: it sets a global variable
      return /** @type {any} */ (globalThis).katex;
    },
    async highlighter() {
      return (await import(highlighterUrl)).default;
    },
  };
}
