/**
 * The message box and all that belongs to it: tools and models, entities, commands, dictation.
 *
 * @typedef {ReturnType<typeof createMessageBox>} MessageBox
 *
 * @typedef {object} MessageBoxModules
 * @property {typeof import("./composer.js")} composer
 * @property {typeof import("./choices.js")} choices
 * @property {typeof import("./choice_menu.js")} choice_menu
 * @property {typeof import("./mentions.js")} mentions
 * @property {typeof import("./entities.js")} entities
 * @property {typeof import("./library.js")} library
 * @property {typeof import("./start_screen.js")} start_screen
 */

/**
 * @param {MessageBoxModules} modules
 * @param {object} needs
 * @param {import("./dom.js").Dom} needs.dom
 * @param {import("./text.js").Text} needs.text
 * @param {any} needs.options those of the page, as ChatServer.page_options has them
 * @param {DOMStringMap} needs.config the template's
 * @param {typeof import("./protocol.js")} needs.errors
 * @param {import("./protocol.js").Protocol} needs.protocol
 * @param {(name: string, detail: object) => Promise<any> | undefined} needs.hook
 * @param {import("./hooks.js").Emit} needs.emit
 * @param {(source: string) => DocumentFragment} needs.markdown
 * @param {import("./library.js").Loaders} needs.load
 * @param {(widget: any) => Promise<HTMLElement>} needs.drawWidget
 * @param {(draft: import("./composer.js").Draft) => void} needs.onSend
 * @param {() => void} needs.onStop
 * @param {() => void} needs.onNew a new conversation
 * @param {(message: string) => void} needs.announce
 * @param {(error: any) => void} needs.onError
 */
export function createMessageBox(modules, needs) {
  const { dom, text, options, config, protocol, hook, announce, onError } = needs;
  const { $ } = dom;
  const { strings, say } = text;
  const { tools = [], models = [] } = options.composer ?? {};
  const { mentions } = modules;
  const url = config.entitiesUrl;

  const choices = modules.choices.createChoices({
    dom,
    say,
    createChoiceMenu: modules.choice_menu.createChoiceMenu,
    tools,
    models,
    onToolChange: (toolId) => needs.emit("tool.change", { toolId }),
  });
  /** The site's script answers, else the application. @param {string} query */
  async function search(query) {
    const answer = await hook("entity-search", { query });
    if (answer || !url) return answer ?? [];
    return (await protocol.ask(`${url}?${new URLSearchParams({ q: query })}`)).data;
  }
  /** @param {any} entity */
  async function preview(entity) {
    const answer = (await hook("entity-preview", { entity })) ?? (url ? await protocol.ask(url, { entity }) : null);
    return answer?.preview ?? null;
  }
  const entities = modules.entities.createEntities({
    dom,
    search,
    preview,
    onClick: (entity) => hook("entity", { entity }),
    drawWidget: needs.drawWidget,
  });
  const composer = modules.composer.createComposer({
    dom,
    choices,
    mentions,
    drawNamed: entities.drawNamed,
    onSend: needs.onSend,
    onStop: needs.onStop,
  });
  const isEnabled = Boolean(options.commands?.enabled);
  const ownCommands = () => [
    { id: "new", label: strings.newChat, icon: "write", run: needs.onNew },
    ...($("attach").hidden
      ? []
      : [{ id: "attach", label: $("attach").title, icon: "clip", run: () => $("attach").click() }]),
    ...tools.map((/** @type {any} */ tool) => ({ ...tool, run: () => choices.choose({ toolId: tool.id }) })),
  ];
  const completion = modules.library.createLater(needs.load.completion, (loaded) => {
    const suggestions = loaded.suggestions.createSuggestions({ dom, say, announce });
    const suggestCommands = loaded.commands.createCommands({
      own: ownCommands,
      search: (query) => hook("command-search", { query }),
      select: (command) => hook("command", { command }),
      insert: (entity) => composer.insertEntity(entity, $("message").selectionStart),
      show: suggestions.show,
      clear: composer.clearToCaret,
    });
    return loaded.completion.createCompletion({
      dom,
      queryAt: mentions.queryAt,
      suggestions,
      entities: (query, start) => entities.suggest(query, (entity) => composer.insertEntity(entity, start)),
      commands: isEnabled ? suggestCommands : null,
    });
  });
  const look = () =>
    completion.make().then(
      (run) => run(),
      () => {}, // what is written stays text
    );
  $("message").addEventListener("input", () => {
    if (completion.made || /[@/]/.test($("message").value)) look();
  });
  $("mention").hidden = !options.entities?.showComposerMenu;
  $("mention").addEventListener("click", () => {
    composer.insertText("@");
    $("message").focus();
    look();
  });
  $("composer-tools").hidden = $("mention").hidden && !tools.length && !models.length;
  if (options.composer?.dictation?.enabled) {
    const transcribe = async (/** @type {object} */ recording) =>
      (await protocol.call("input.transcribe", recording)).text;
    const dictation = modules.library.createLater(needs.load.dictation, ({ createDictation }) =>
      createDictation({
        dom,
        strings,
        language: document.documentElement.lang,
        transcribe: config.transcribes ? transcribe : null,
        onText: composer.insertText,
        announce,
        onError,
        Refused: needs.errors.Refused,
      }),
    );
    const canListen = config.transcribes
      ? navigator.mediaDevices && "MediaRecorder" in globalThis
      : "SpeechRecognition" in globalThis || "webkitSpeechRecognition" in globalThis;
    $("dictate").hidden = !canListen;
    $("dictate").addEventListener("click", () => dictation.make().then((press) => press(), onError));
  }
  modules.start_screen.createStartScreen({
    dom,
    prompts: options.startScreen?.prompts,
    disclaimer: options.disclaimer,
    markdown: needs.markdown,
    onPrompt: composer.sendContent,
  });

  return { composer, choices, entities };
}
