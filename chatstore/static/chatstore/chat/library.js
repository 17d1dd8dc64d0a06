/**
 * A library that is loaded when something needs it for the first time, and the drawing that it is
 * needed for: at once where there is little of it, else some each frame.
 *
 * @typedef {ReturnType<typeof createLibrary>} Library
 * @typedef {ReturnType<typeof loaders>} Loaders
 *
 * @typedef {object} WidgetModules
 * @property {typeof import("./widgets.js")} widgets
 * @property {typeof import("./widget_style.js")} styles
 * @property {typeof import("./widget_fields.js")} fields
 *
 * @typedef {object} CompletionModules
 * @property {typeof import("./completion.js")} completion
 * @property {typeof import("./suggestions.js")} suggestions
 * @property {typeof import("./commands.js")} commands
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
 * A part of the page that is made when it is needed for the first time. After a failure it is tried anew.
 *
 * @template Modules, Part
 * @param {() => Promise<Modules>} load
 * @param {(modules: Modules) => Part} create
 */
export function createLater(load, create) {
  /** @type {Promise<Part> | null} */
  let making = null;
  /** @type {Part | null} */
  let made = null;

  async function begin() {
    try {
      made = create(await load());
      return made;
    } catch (error) {
      making = null;
      throw error;
    }
  }

  return {
    /** The part; null while it is not there. */
    get made() {
      return made;
    },
    make() {
      making ??= begin();
      return making;
    },
  };
}

/**
 * What a first look at the page doesn't need, by the addresses that the template names.
 *
 * @param {DOMStringMap} addresses of modules, and of libraries that few answers need
 */
export function loaders(addresses) {
  const { katexUrl, highlighterUrl, chartUrl, chartGeometryUrl } = addresses;
  return {
    /** @returns {Promise<WidgetModules>} */
    async widgets() {
      const urls = [addresses.widgetsUrl, addresses.widgetStyleUrl, addresses.widgetFieldsUrl];
      const [widgets, styles, fields] = await Promise.all(urls.map((url) => import(url)));
      return { widgets, styles, fields };
    },
    /** @returns {Promise<typeof import("./questions.js")>} */
    questions: () => import(addresses.questionsUrl),
    /** @returns {Promise<typeof import("./dictation.js")>} */
    dictation: () => import(addresses.dictationUrl),
    /** @returns {Promise<typeof import("./report.js")>} */
    report: () => import(addresses.reportUrl),
    /** @returns {Promise<typeof import("./edit_message.js")>} */
    editMessage: () => import(addresses.editMessageUrl),
    /** @returns {Promise<typeof import("./share_dialog.js")>} */
    shareDialog: () => import(addresses.shareDialogUrl),
    /** @returns {Promise<CompletionModules>} */
    async completion() {
      const urls = [addresses.completionUrl, addresses.suggestionsUrl, addresses.commandsUrl];
      const [completion, suggestions, commands] = await Promise.all(urls.map((url) => import(url)));
      return { completion, suggestions, commands };
    },
    /** @returns {Promise<typeof import("./diagrams.js")>} */
    diagrams: () => import(addresses.diagramsUrl),
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
