/**
 * What an answer contains: joins the modules that draw items. The functions that it needs say what
 * happens when somebody presses something.
 *
 * @typedef {object} AnswerModules
 * @property {typeof import("./addresses.js")} addresses
 * @property {typeof import("./limits.js")} limits
 * @property {typeof import("./dialect.js")} dialect
 * @property {typeof import("./thinking.js")} thinking
 * @property {typeof import("./plain_text.js")} plain_text
 * @property {typeof import("./markdown.js")} markdown
 * @property {typeof import("./answer_text.js")} answer_text
 * @property {typeof import("./library.js")} library
 * @property {typeof import("./formulas.js")} formulas
 * @property {typeof import("./footnotes.js")} footnotes
 * @property {typeof import("./code_blocks.js")} code_blocks
 * @property {typeof import("./sources.js")} sources
 * @property {typeof import("./steps.js")} steps
 * @property {typeof import("./theme_switch.js")} theme_switch
 * @property {typeof import("./feedback.js")} feedback
 * @property {typeof import("./items.js")} items
 * @property {{ Marked: any, Tokenizer: any }} marked
 * @property {{ default: any }} purify
 */

const PER_VALUE = 100; // of a chart, in units of work; see limits.js

/**
 * @param {AnswerModules} modules
 * @param {object} needs
 * @param {import("./dom.js").Dom} needs.dom
 * @param {import("./text.js").Text} needs.text
 * @param {typeof import("./item_data.js").covers} needs.covers
 * @param {(copied: () => string, label: string) => HTMLElement} needs.copyButton
 * @param {import("./library.js").Loaders} needs.load
 * @param {string} needs.diagramUrl of the frame in which diagrams are drawn, or empty
 * @param {(id: string) => string | null} needs.fileAddress
 * @param {() => string[]} needs.imageDomains that the shown thread allows
 * @param {(message: string) => void} needs.announce
 * @param {(error: unknown) => void} needs.onError
 * @param {(entity: any) => void} needs.onEntity
 * @param {(entity: import("./mentions.js").Entity) => HTMLElement} needs.tag an entity that a message names
 * @param {(item: any, kind: string) => Promise<any>} needs.onFeedback
 * @param {((item: any, comment: string) => Promise<any>) | null} [needs.onComment] none where the server keeps no comments
 * @param {((item: any, view: import("./edit_message.js").View) => HTMLElement) | null} [needs.editButton]
 * @param {(item: any) => HTMLElement | null} needs.reportButton
 * @param {(node: HTMLElement, source: string) => void} needs.onQuote
 * @param {(item: any) => void} needs.onTool
 * @param {(item: any, config: any, payload: any) => void} needs.onAction
 * @param {(item: any, input: { status: string, answers: object }) => void} needs.onQuestionsAnswered
 */
export function createAnswers(modules, needs) {
  const { dom, text } = needs;
  const { strings } = text;
  const base = dom.document.baseURI;
  const linkAddress = (/** @type {any} */ value) => modules.addresses.linkAddress(value, base);
  const mayShowImage = (/** @type {any} */ value) => modules.addresses.mayShowImage(value, base, needs.imageDomains());

  const nextFrame = (/** @type {() => void} */ run) => {
    requestAnimationFrame(run);
  };
  const budget = modules.limits.createBudget(strings);
  const isDark = () => modules.theme_switch.isDark(dom.document);
  const finder = modules.formulas.createFinder(budget);
  const limited = modules.limits.limitTokenizer(modules.marked.Tokenizer, budget);
  const dialect = modules.footnotes.extendForFootnotes(modules.dialect.extendTokenizer(limited));
  const Tokenizer = modules.formulas.extendForFormulas(dialect, finder);
  const plainText = modules.plain_text.createPlainText({ dom, strings });
  const diagrams = modules.library.createLibrary(needs.load.diagrams, nextFrame);
  /** A place for the button, that is filled at once or when its module is there.
   * @param {string} source @param {HTMLElement} block */
  const diagramButton = (source, block) => {
    if (!needs.diagramUrl) return null;
    const place = dom.el("span", { class: "diagram-button" });
    const draw = (/** @type {typeof import("./diagrams.js")} */ { createDiagrams }) =>
      place.append(createDiagrams({ dom, strings, url: needs.diagramUrl, isDark })(source, block));
    diagrams(1, draw);
    return place;
  };
  const markdown = modules.markdown.createMarkdown({
    Marked: modules.marked.Marked,
    tokenizer: new Tokenizer(),
    budget,
    DOMPurify: modules.purify.default,
    dom,
    strings,
    mayShowImage,
    codeBlock: modules.code_blocks.createCodeBlocks({
      dom,
      strings,
      DOMPurify: modules.purify.default,
      highlighter: modules.library.createLibrary(needs.load.highlighter, nextFrame),
      diagramButton,
      copyButton: needs.copyButton,
      plainText,
    }),
    formula: modules.formulas.createFormulas({
      dom,
      strings,
      DOMPurify: modules.purify.default,
      katex: modules.library.createLibrary(needs.load.katex, nextFrame),
    }),
    formulaExtension: (renderer) => modules.formulas.formulaExtension(finder, renderer),
    footnotes: modules.footnotes,
    say: text.say,
  });
  const AnswerText = modules.answer_text.createAnswerText({
    dom,
    markdown,
    budget,
    plainText,
    nextFrame,
    openFormulaAt: modules.formulas.openFormulaAt,
  });
  const sources = modules.sources.createSources({
    dom,
    text,
    markdown: markdown.markdown,
    linkAddress,
    onEntity: needs.onEntity,
  });
  const steps = modules.steps.createSteps({
    dom,
    text,
    markdown: markdown.markdown,
    sourceLink: sources.sourceLink,
    runTool: needs.onTool,
  });
  const { createLater } = modules.library;
  const questions = createLater(needs.load.questions, ({ createQuestions }) =>
    createQuestions({ dom, strings, onAnswer: needs.onQuestionsAnswered }),
  );
  const charts = modules.library.createLibrary(needs.load.chart, nextFrame);
  /** A place for a chart, that is filled at once or when its module is there.
   * @param {any} c @param {typeof import("./widget_style.js")} styles */
  const drawChart = (c, styles) => {
    const place = dom.el("div", { class: "w-chart-place" });
    const values = [c.data ?? []].flat().length * Math.max([c.series ?? []].flat().length, 1);
    budget.spend(values * PER_VALUE);
    charts(values, ({ createChart, geometry }) => {
      const draw = createChart({
        dom,
        text,
        budget,
        geometry,
        styles,
        scrolling: markdown.scrolling,
      });
      place.append(draw(c));
    });
    return place;
  };
  const widgets = createLater(needs.load.widgets, ({ widgets: { createWidgets }, styles, fields }) =>
    createWidgets({
      dom,
      text,
      markdown: markdown.markdown,
      scrolling: markdown.scrolling,
      budget,
      styles,
      fields,
      mayShowImage,
      chart: (c) => drawChart(c, styles),
      onAction: needs.onAction,
    }),
  );
  /** What must be loaded before items of a type can be drawn; null: nothing more. @param {string} type */
  function loading(type) {
    const later = type === "widget" ? widgets : type === "structured_input" ? questions : null;
    return !later || later.made ? null : later.make();
  }
  const thumbs = modules.feedback.createFeedback({
    dom,
    strings,
    storage: () => localStorage,
    send: needs.onFeedback,
    comment: needs.onComment ?? null,
    announce: needs.announce,
    onError: needs.onError,
  });
  const ItemView = modules.items.createItems({
    dom,
    text,
    PartText: modules.thinking.createThoughtfulText({ dom, strings, AnswerText }),
    splitThought: modules.thinking.splitThought,
    budget,
    wordsOf: modules.plain_text.wordsOf,
    plainText,
    sources,
    steps,
    drawWidget: (item) => widgets.made(item),
    drawQuestions: (item) => questions.made(item),
    loading,
    thumbs,
    reportButton: needs.reportButton,
    editButton: needs.editButton ?? null,
    copyButton: needs.copyButton,
    tag: needs.tag,
    onQuote: needs.onQuote,
    linkAddress,
    fileAddress: needs.fileAddress,
    mayShowImage,
    covers: needs.covers,
    nextFrame,
  });

  return { markdown: markdown.markdown, ItemView, loading };
}
