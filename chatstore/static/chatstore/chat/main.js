/**
 * The built-in chat page: loads the modules, and gives each what it needs.
 *
 * The page speaks the ChatKit protocol and nothing else, so it works with any ChatKit server. Markup
 * that never changes and all text for people are in chat.html, where gettext reaches them; so is the
 * configuration, in data attributes, so that nothing is inline and a strict
 * Content-Security-Policy holds.
 *
 * No module imports another: hashed file names (ManifestStaticFilesStorage) are known to the
 * template only. It names each module's URL in a link, and each module exports functions that take
 * what they need.
 */

/** @type {Record<string, string>} */
const urls = {};
for (const link of document.querySelectorAll("link[data-module]")) {
  urls[/** @type {HTMLElement} */ (link).dataset.module] = /** @type {HTMLLinkElement} */ (link).href;
}
const modules = Object.fromEntries(
  await Promise.all(Object.entries(urls).map(async ([name, url]) => [name, await import(url)])),
);
start(/** @type {any} */ (modules));

/**
 * @param {object} modules
 * @param {typeof import("./dom.js")} modules.dom
 * @param {typeof import("./text.js")} modules.text
 * @param {typeof import("./addresses.js")} modules.addresses
 * @param {typeof import("./protocol.js")} modules.protocol
 * @param {typeof import("./network.js")} modules.network
 * @param {typeof import("./hooks.js")} modules.hooks
 * @param {typeof import("./limits.js")} modules.limits
 * @param {typeof import("./dialect.js")} modules.dialect
 * @param {typeof import("./thinking.js")} modules.thinking
 * @param {typeof import("./plain_text.js")} modules.plain_text
 * @param {typeof import("./markdown.js")} modules.markdown
 * @param {typeof import("./answer_text.js")} modules.answer_text
 * @param {typeof import("./alerts.js")} modules.alerts
 * @param {typeof import("./sources.js")} modules.sources
 * @param {typeof import("./steps.js")} modules.steps
 * @param {typeof import("./questions.js")} modules.questions
 * @param {typeof import("./widgets.js")} modules.widgets
 * @param {typeof import("./widget_style.js")} modules.widget_style
 * @param {typeof import("./widget_fields.js")} modules.widget_fields
 * @param {typeof import("./feedback.js")} modules.feedback
 * @param {typeof import("./items.js")} modules.items
 * @param {typeof import("./conversation.js")} modules.conversation
 * @param {typeof import("./conversations.js")} modules.conversations
 * @param {typeof import("./turns.js")} modules.turns
 * @param {typeof import("./scroll.js")} modules.scroll
 * @param {typeof import("./timeline.js")} modules.timeline
 * @param {typeof import("./previews.js")} modules.previews
 * @param {typeof import("./threads.js")} modules.threads
 * @param {typeof import("./composer.js")} modules.composer
 * @param {typeof import("./kept_draft.js")} modules.kept_draft
 * @param {typeof import("./selection.js")} modules.selection
 * @param {typeof import("./uploads.js")} modules.uploads
 * @param {typeof import("./menu.js")} modules.menu
 * @param {typeof import("./shell.js")} modules.shell
 * @param {{ Marked: any, Tokenizer: any }} modules.marked
 * @param {{ default: any }} modules.purify
 * @param {{ createParser: import("./protocol.js").CreateParser }} modules.eventsource_parser
 */
async function start(modules) {
  const dom = modules.dom.createDom(document);
  const { $ } = dom;
  const config = $("chat").dataset;
  const strings = readStrings($("strings"));
  const text = modules.text.createText(strings, document.documentElement.lang || undefined);
  const { plain, excerpt } = modules.text;
  const { Refused, Unreachable } = modules.protocol;
  const model = modules.conversation;

  /* ------------------------------------------------------------ the server */

  const protocol = modules.protocol.createProtocol({
    url: config.apiUrl,
    csrfToken: config.csrfToken,
    fetch: (...request) => fetch(...request),
    createParser: modules.eventsource_parser.createParser,
    strings: { failed: strings.failed, unreachable: strings.unreachable },
    onLost: () => network.lost(),
    onFound: () => network.found(),
  });
  const { call } = protocol;
  const network = modules.network.createNetwork({
    ask: () => call("threads.list", { limit: 1 }),
    onChange(isLost) {
      $("offline").hidden = !isLost;
      alerts.announce(isLost ? strings.offline : strings.online);
      if (!isLost) refresh();
    },
  });
  const hook = modules.hooks.createHook(document);

  /* ------------------------------------------------------------ what an answer contains */

  const base = document.baseURI;
  const linkAddress = (/** @type {any} */ value) => modules.addresses.linkAddress(value, base);
  const mayShowImage = (/** @type {any} */ value) =>
    modules.addresses.mayShowImage(value, base, shown().state.thread?.allowed_image_domains ?? []);

  const budget = modules.limits.createBudget(strings);
  const Tokenizer = modules.dialect.extendTokenizer(modules.limits.limitTokenizer(modules.marked.Tokenizer, budget));
  const plainText = modules.plain_text.createPlainText({ dom, strings });
  const markdown = modules.markdown.createMarkdown({
    Marked: modules.marked.Marked,
    tokenizer: new Tokenizer(),
    budget,
    DOMPurify: modules.purify.default,
    dom,
    strings,
    copyButton,
    mayShowImage,
    plainText,
  });
  const AnswerText = modules.answer_text.createAnswerText({
    dom,
    markdown,
    budget,
    plainText,
    nextFrame: (tick) => requestAnimationFrame(tick),
  });
  const alerts = modules.alerts.createAlerts({
    dom,
    strings,
    markdown: markdown.markdown,
    isForPeople: (error) => error instanceof Refused || error instanceof Unreachable,
  });
  const sources = modules.sources.createSources({
    dom,
    text,
    markdown: markdown.markdown,
    linkAddress,
    onEntity: (entity) => hook("entity", { entity }),
  });
  const steps = modules.steps.createSteps({
    dom,
    text,
    markdown: markdown.markdown,
    sourceLink: sources.sourceLink,
    runTool: (item) => turns.runTool(shown(), item),
  });
  const drawQuestions = modules.questions.createQuestions({
    dom,
    strings,
    onAnswer(item, input) {
      const params = { thread_id: item.thread_id, item_id: item.id, input };
      turns.start(shown(), "threads.add_structured_input", params);
    },
  });
  const drawWidget = modules.widgets.createWidgets({
    dom,
    text,
    markdown: markdown.markdown,
    scrolling: markdown.scrolling,
    budget,
    styles: modules.widget_style,
    fields: modules.widget_fields,
    mayShowImage,
    isDark: () => matchMedia("(prefers-color-scheme: dark)").matches,
    onAction: (item, action, payload) => turns.act(item, action, payload, timeline.nodeOf(item.id)),
  });
  const thumbs = modules.feedback.createFeedback({
    dom,
    strings,
    storage: () => localStorage,
    send: (item, kind) => call("items.feedback", { thread_id: item.thread_id, item_ids: [item.id], kind }),
    announce: alerts.announce,
    onError: alerts.showError,
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
    drawWidget,
    drawQuestions,
    thumbs,
    copyButton,
    onQuote: (node, source) => composer.quote(selection.selectionIn(node) || plain(source)),
    linkAddress,
    mayShowImage,
    covers: model.covers,
  });

  /* ------------------------------------------------------------ the parts of the page */

  const composer = modules.composer.createComposer({
    dom,
    onSend: (draft) => turns.send(draft),
    onStop: () => turns.stop(),
  });
  const selection = modules.selection.createSelection({ dom, onQuote: composer.quote });
  const scroll = modules.scroll.createScroll({ dom, onScroll: selection.hide });
  const openMenu = modules.menu.createMenu({ dom, text, onRename: rename, onDelete: remove });
  const threads = modules.threads.createThreads({
    dom,
    text,
    excerpt,
    createPreviews: modules.previews.createPreviews,
    call,
    isOffline: () => network.isLost,
    shown: () => shown().state.thread,
    addressOf,
    onFollow: follow,
    onMenu: openMenu,
    onError: alerts.showError,
  });
  const timeline = modules.timeline.createTimeline({
    dom,
    strings,
    siteTitle: config.siteTitle,
    model,
    ItemView,
    scroll,
    threadOf: threads.find,
    onRetry: () => turns.retry(shown()),
    onEarlier: () => conversations.earlier(),
    onDrawn(state) {
      threads.markShown(state.thread?.id);
      composer.setState({
        isLoading: Boolean(state.id && !state.thread),
        isAnswering: model.isBusy(state),
        isCancellable: state.turn?.isCancellable ?? true,
      });
    },
  });
  const conversations = modules.conversations.createConversations({
    dom,
    strings,
    model,
    call,
    timeline,
    threads,
    composer,
    scroll,
    alerts,
    setAddress,
    first: linked(),
  });
  const turns = modules.turns.createTurns({
    strings,
    say: text.say,
    excerpt,
    model,
    errors: modules.protocol,
    protocol,
    conversations,
    threads,
    composer,
    scroll,
    alerts,
    hook,
    setAddress,
  });
  modules.uploads.createUploads({
    dom,
    text,
    config,
    composer,
    protocol: modules.protocol,
    call,
    announce: alerts.announce,
    onError: alerts.showError,
  });
  const { drawer } = modules.shell.createShell({ dom, focusComposer: composer.focus, onEscape: () => turns.stop() });

  /* ------------------------------------------------------------ what joins them */

  function shown() {
    return conversations.shown;
  }

  /** The thread that the page's address names, or null. */
  function linked() {
    return new URLSearchParams(location.search).get("thread");
  }

  /** @param {string | null} id */
  function addressOf(id) {
    return id ? `?thread=${encodeURIComponent(id)}` : location.pathname;
  }

  /** @param {string | null} id */
  function setAddress(id) {
    history.replaceState(null, "", addressOf(id));
  }

  /** @param {MouseEvent} event @param {string | null} id */
  function follow(event, id) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState(null, "", addressOf(id));
    drawer(false); // first: nothing within what it covers can take the focus
    conversations.open(id);
  }

  /** @param {() => string} copied @param {string} label */
  function copyButton(copied, label) {
    const button = dom.iconButton("copy", label, async () => {
      try {
        await navigator.clipboard.writeText(copied());
      } catch (error) {
        return alerts.showError(error);
      }
      button.replaceChildren(dom.icon("check"));
      alerts.announce(strings.copied);
      setTimeout(() => button.replaceChildren(dom.icon("copy")), 1500);
    });
    return button;
  }

  /** @param {any} thread @param {string} title */
  async function rename(thread, title) {
    try {
      const { id, title: given } = await call("threads.update", { thread_id: thread.id, title });
      conversations.threadChanged({ ...threads.find(id), id, title: given });
      alerts.announce(strings.renamed);
    } catch (error) {
      alerts.showError(error);
    }
  }

  /** @param {any} thread */
  async function remove({ id }) {
    try {
      [...conversations.answering].find(({ state }) => model.idOf(state) === id)?.controller.abort();
      await call("threads.delete", { thread_id: id });
      threads.drop(id);
      if (model.idOf(shown().state) === id) {
        setAddress(null);
        await conversations.open(null);
      }
      alerts.announce(strings.deleted);
    } catch (error) {
      alerts.showError(error);
    }
  }

  /** What may have changed elsewhere (another tab, a moderator, a lost connection) is asked again. */
  async function refresh() {
    threads.resumePreviews();
    const { state } = shown();
    try {
      await Promise.all([threads.reload(), state.thread && !state.turn && conversations.load(shown())]);
    } catch (error) {
      if (!network.isLost) alerts.showError(error);
    }
  }

  let seenAt = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) seenAt = Date.now();
    else if (Date.now() - seenAt > 30000 && !network.isLost) refresh();
  });
  addEventListener("offline", () => network.lost());
  addEventListener("online", () => network.probe(0));
  addEventListener("popstate", () => {
    if (linked() !== model.idOf(shown().state)) conversations.open(linked());
  });
  $("thread-menu").addEventListener("click", () => openMenu($("thread-menu"), shown().state.thread));
  $("to-end").addEventListener("click", () => {
    scroll.toEnd();
    composer.focus();
  });
  $("new").addEventListener("click", (/** @type {MouseEvent} */ event) => follow(event, null));

  const keptDraft = modules.kept_draft.createKeptDraft({ storage: () => sessionStorage, user: config.user });
  addEventListener("pagehide", () => {
    const { state } = shown();
    // A message that was refused, for want of a session perhaps, was not written for nothing.
    const unsent = composer.isEmpty() && !state.turn ? model.pendingOf(state)?.draft : null;
    keptDraft.keep({ ...(unsent ?? composer.draft()), id: model.idOf(state) });
  });
  const kept = keptDraft.take();
  if (kept) composer.putDraft(kept.id, { ...kept, attachments: [] });

  threads.reload().catch((error) => alerts.showError(error, refresh));
  await conversations.open(linked());
  document.documentElement.dataset.ready = "true";
}

/** @param {HTMLTemplateElement} template @returns {Record<string, string>} */
function readStrings(template) {
  const nodes = /** @type {NodeListOf<HTMLElement>} */ (template.content.querySelectorAll("[data-s]"));
  return Object.fromEntries([...nodes].map((node) => [node.dataset.s, node.textContent]));
}

export {};
