/** The chat page: gives each module what it needs. tests/page/modules.d.ts names the modules' types. */

/** @param {PageModules & import("./answers.js").AnswerModules & import("./message_box.js").MessageBoxModules & import("./thread_list.js").ThreadListModules} modules */
export async function startPage(modules) {
  const dom = modules.dom.createDom(document);
  const { $ } = dom;
  const config = $("chat").dataset;
  const strings = modules.text.readStrings($("strings"));
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
    isFinished: Boolean(config.finish),
    onRequest: (type, { thread_id }) => emit("log", { name: type, data: thread_id ? { thread_id } : {} }),
    onLost: () => network.lost(),
    onFound: () => network.found(),
  });
  const { call } = protocol;
  const network = modules.network.createNetwork({
    ask: () => call("threads.list", { limit: 1 }),
    onChange(isLost) {
      $("offline").hidden = !isLost;
      alerts.announce(isLost ? strings.offline : strings.online);
      if (isLost) return;
      alerts.serverIsBack();
      refresh();
    },
  });
  const { threadsUrl } = config;
  const { searchUrl, commentUrl } = config;
  const own = threadsUrl
    ? modules.own_threads.createOwnThreads({ url: threadsUrl, searchUrl, commentUrl, ask: protocol.ask })
    : null;
  const hook = modules.hooks.createHook(document);
  const emit = modules.hooks.createEmit($("chat"));

  /* ------------------------------------------------------------ what an answer contains */

  const load = modules.library.loaders($("later").dataset);
  const buttons = modules.message_buttons.createMessageButtons({
    dom,
    text,
    createLater: modules.library.createLater,
    load,
    config,
    errors: modules.protocol,
    fetch: (...request) => fetch(...request),
    onEdited: (item, edited) => turns.edit(item, edited),
    announce: (message) => alerts.announce(message),
    onError: (error) => alerts.showError(error),
  });
  const { markdown, ItemView, loading } = modules.answers.createAnswers(modules, {
    dom,
    text,
    covers: modules.item_data.covers,
    copyButton: modules.copy_button.createCopyButton({
      dom,
      strings,
      announce: (message) => alerts.announce(message),
      onError: (error) => alerts.showError(error),
    }),
    load,
    diagramUrl: config.diagramUrl ?? "",
    fileAddress: (id) => (config.filesUrl ? `${config.filesUrl}${encodeURIComponent(id)}/` : null),
    imageDomains: () => shown().state.thread?.allowed_image_domains ?? [],
    announce: (message) => alerts.announce(message),
    onError: (error) => alerts.showError(error),
    onEntity: (entity) => hook("entity", { entity }),
    tag: (entity) => entities.tag(entity),
    reportButton: buttons.reportButton,
    editButton: own && buttons.editButton,
    onComment: own?.comment,
    onFeedback: (item, kind) => call("items.feedback", { thread_id: item.thread_id, item_ids: [item.id], kind }),
    onQuote: (node, source) => composer.quote(selection.selectionIn(node) || plain(source)),
    onTool: (item) => turns.runTool(shown(), item),
    onAction: (item, action, payload) => turns.act(item, action, payload, timeline.nodeOf(item.id)),
    onQuestionsAnswered(item, input) {
      const params = { thread_id: item.thread_id, item_id: item.id, input };
      turns.start(shown(), "threads.add_structured_input", params);
    },
  });
  const alerts = modules.alerts.createAlerts({
    dom,
    strings,
    markdown,
    isForPeople: (error) => error instanceof Refused || error instanceof Unreachable,
    isUnreachable: (error) => error instanceof Unreachable,
    onError: (error) => emit("error", { error }),
  });

  /* ------------------------------------------------------------ the parts of the page */

  const { composer, choices, entities } = modules.message_box.createMessageBox(modules, {
    dom,
    text,
    options: JSON.parse($("page-options")?.textContent || "null") || {},
    config,
    errors: modules.protocol,
    protocol,
    hook,
    emit,
    markdown,
    load,
    async drawWidget(widget) {
      await loading("widget");
      return new ItemView({ item: modules.waiting.widgetItem(widget), isLive: false }).node;
    },
    onSend: (draft) => turns.send(draft),
    onStop: () => turns.stop(),
    onNew: () => address.go(null),
    announce: (message) => alerts.announce(message),
    onError: (error) => alerts.showError(error),
  });
  const address = modules.page_address.createPageAddress({
    open: (id, messageId) => conversations.open(id, messageId),
    shownId: () => model.idOf(shown().state),
    closeDrawer: () => drawer(false),
  });
  const selection = modules.selection.createSelection({ dom, onQuote: composer.quote });
  const scroll = modules.scroll.createScroll({ dom, onScroll: selection.hide });
  const { threads, marks, openMenu } = modules.thread_list.createThreadList(modules, {
    dom,
    text,
    call,
    own,
    load,
    mayShare: Boolean(config.sharing),
    address,
    alerts,
    acts: () => acts,
    onOutdated: () => refresh.list(),
    isOffline: () => network.isLost,
    shown: () => shown().state.thread,
  });
  const temporary = modules.temporary.createTemporary({
    dom,
    sayCount: text.sayCount,
    hours: own ? Number(config.temporaryHours) : 0,
  });
  const timeline = modules.timeline.createTimeline({
    dom,
    strings,
    siteTitle: config.siteTitle,
    model,
    ItemView,
    asItem: modules.waiting.asItem,
    drawWaiting: modules.waiting.createWaiting({
      dom,
      strings,
      ItemView,
      onEdit: (draft) => turns.editWaiting(draft),
      onRemove: (draft) => turns.removeWaiting(draft),
    }),
    scroll,
    threadOf: threads.find,
    onRetry: () => turns.retry(shown()),
    onEarlier: () => conversations.earlier(),
    onDrawn(state) {
      threads.markShown(state.thread?.id);
      choices.show(shown(), model.lastOf(state, "user_message")?.inference_options);
      const isNew = !model.idOf(state) && !state.turn;
      temporary.draw(shown(), { isNew, isTemporary: !isNew && Boolean(shown().isTemporary) });
      composer.setState({
        isLoading: Boolean(state.id && !state.thread),
        isAnswering: model.isBusy(state),
        isCancellable: state.turn?.isCancellable ?? true,
      });
      if (document.hidden) keepDrafts(); // what waited may have been sent
    },
  });
  const conversations = modules.conversations.createConversations({
    dom,
    strings,
    model,
    reduce: model.createReduce(modules.item_data.updated),
    call,
    own,
    timeline,
    threads,
    composer,
    scroll,
    alerts,
    setAddress: address.set,
    onAnswering: (conversation) => turns.join(conversation),
    first: address.linked(),
    onEvent(event, isShown) {
      const told = modules.hooks.toldOf(event, isShown);
      if (told) emit(...told);
    },
    emit,
  });
  const running = modules.running_answers.createRunningAnswers({
    isOn: Boolean(config.finish),
    url: threadsUrl,
    protocol,
    errors: modules.protocol,
    idOf: model.idOf,
    load: conversations.load,
    isOffline: () => network.isLost,
    onError: alerts.showError,
  });
  const changes = modules.changes.createChanges({
    url: config.changesUrl,
    ask: protocol.ask,
    document,
    channel: "BroadcastChannel" in window ? new BroadcastChannel(config.changesUrl) : null,
    shownId: () => model.idOf(shown().state),
    isOffline: () => network.isLost,
    isFollowed: () => model.isBusy(shown().state) && !shown().isElsewhere,
    onAnswering: marks.set,
    onChanged: () => refresh.conversation(),
  });
  const turns = modules.turns.createTurns({
    strings,
    say: text.say,
    excerpt,
    model,
    errors: modules.protocol,
    protocol,
    running,
    conversations,
    threads,
    composer,
    scroll,
    alerts,
    hook,
    isTemporary: () => temporary.isOn(),
    setAddress: address.set,
    onTurn: changes.tell,
  });
  const uploads = modules.uploads.createUploads({
    dom,
    text,
    config,
    composer,
    protocol: modules.protocol,
    call,
    announce: alerts.announce,
    onError: alerts.showError,
  });
  modules.theme_switch.createThemeSwitch({ dom, storage: () => localStorage });
  const { drawer } = modules.shell.createShell({
    dom,
    watchSwipes: modules.swipe.watchSwipes,
    focusComposer: composer.focus,
    onEscape: () => turns.stop(),
    onDrawer: (isOpen) => emit(isOpen ? "history.open" : "history.close"),
  });

  const acts = modules.thread_acts.createThreadActs({
    strings,
    model,
    call,
    own,
    threads,
    conversations,
    alerts,
    setAddress: address.set,
  });
  const refresh = modules.refresh.createRefresh({ network, threads, conversations, onError: alerts.showError });

  modules.methods.addMethods({
    element: $("chat"),
    model,
    conversations,
    turns,
    composer,
    choices,
    mentions: modules.mentions,
    held: uploads.held,
    upload: uploads.attach,
    go: address.go,
    refresh,
    showHistory: drawer,
  });

  function shown() {
    return conversations.shown;
  }

  $("thread-menu").addEventListener("click", () => openMenu($("thread-menu"), shown().state.thread));
  $("to-end").addEventListener("click", () => {
    scroll.toEnd();
    composer.focus();
  });
  for (const id of ["new", "new-on-phone"]) {
    $(id).addEventListener("click", (/** @type {MouseEvent} */ event) => address.follow(event, null));
  }

  const keptDraft = modules.kept_draft.createKeptDraft({ storage: () => sessionStorage, user: config.user });
  function keepDrafts() {
    const drafts = composer.drafts(model.idOf(shown().state));
    for (const { state } of new Set([shown(), ...conversations.answering])) {
      const id = model.idOf(state);
      // A message that was refused, for want of a session perhaps, was not written for nothing.
      const unsent = state.turn ? null : model.pendingOf(state)?.draft;
      drafts.set(id, modules.composer.joinDrafts([unsent, ...state.waiting, drafts.get(id)]));
    }
    keptDraft.keep(drafts);
  }
  addEventListener("pagehide", keepDrafts);
  // The browser may discard a hidden page without a word.
  document.addEventListener("visibilitychange", () => document.hidden && keepDrafts());
  for (const kept of keptDraft.take()) composer.putDraft(kept.id, kept);

  // What was typed before the modules ran belongs to the conversation that the address names.
  if (!composer.isEmpty()) {
    composer.keepDraft(address.linked());
    composer.restoreDraft(null);
  }
  threads.reload().catch((error) => alerts.showError(error, refresh));
  await conversations.open(address.linked(), address.linkedMessage());
  changes.look();
  document.documentElement.dataset.ready = "true";
  emit("ready");
  document.dispatchEvent(new CustomEvent("chatstore:ready", { detail: { chat: $("chat") } }));
}
