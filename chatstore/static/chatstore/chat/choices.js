/**
 * The tool and the model that the next message asks for. A conversation goes on with those of its
 * last message.
 *
 * @typedef {ReturnType<typeof createChoices>} Choices
 * @typedef {{ tool_choice?: { id: string }, model?: string }} InferenceOptions as the protocol has them
 * @typedef {import("./choice_menu.js").Choice & { shortLabel?: string, placeholderOverride?: string,
 *   pinned?: boolean, persistent?: boolean }} Tool
 * @typedef {import("./choice_menu.js").Choice & { default?: boolean }} Model
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text["say"]} options.say
 * @param {typeof import("./choice_menu.js").createChoiceMenu} options.createChoiceMenu
 * @param {readonly Tool[]} [options.tools]
 * @param {readonly Model[]} [options.models]
 * @param {(toolId: string | null) => void} options.onToolChange
 */
export function createChoices({ dom, say, createChoiceMenu, tools = [], models = [], onToolChange }) {
  const { $, el, icon } = dom;
  const usable = models.filter(({ disabled }) => !disabled);
  const preset = (usable.find((one) => one.default) ?? usable[0])?.id ?? null;
  const placeholder = $("message").placeholder;
  /** @type {string | null} */
  let toolId = null;
  let modelId = preset;
  /** @type {object | null} the conversation that it is about */
  let shown = null;
  let isSettled = false; // by the user, or by the conversation's last message

  const isTool = (/** @type {any} */ id) => tools.some((tool) => tool.id === id);
  const isModel = (/** @type {any} */ id) => usable.some((model) => model.id === id);

  const markTool = createChoiceMenu({
    dom,
    button: $("tools"),
    menu: $("tools-menu"),
    choices: tools.filter(({ pinned }) => !pinned),
    onChoose: (id) => choose({ toolId: id === toolId ? null : id }),
  });
  const markModel = createChoiceMenu({
    dom,
    button: $("model"),
    menu: $("model-menu"),
    choices: models,
    onChoose: (id) => choose({ modelId: id }),
  });

  /** A button for each pinned tool, and for the one that is chosen. @param {Tool} tool */
  function toolButton({ id, label, shortLabel, icon: name }) {
    const isChosen = id === toolId;
    const onclick = () => {
      choose({ toolId: isChosen ? null : id });
      ($("pinned-tools").querySelector(`[data-id="${CSS.escape(id)}"]`) ?? $("message")).focus();
    };
    const props = { type: "button", class: "button quiet tool-choice", title: label, "aria-pressed": String(isChosen) };
    const words = el("bdi", { text: shortLabel || label });
    return el("button", { ...props, "data-id": id, onclick }, icon(name), words, isChosen && icon("close"));
  }

  function draw() {
    $("tools").hidden = tools.every(({ pinned }) => pinned);
    $("pinned-tools").replaceChildren(...tools.filter(({ id, pinned }) => pinned || id === toolId).map(toolButton));
    $("model").hidden = !models.length;
    const model = models.find(({ id }) => id === modelId);
    $("model-name").textContent = model?.label ?? "";
    $("model").setAttribute("aria-label", say("modelIs", { name: model?.label ?? "" }));
    markTool(toolId);
    markModel(modelId);
    const chosen = tools.find(({ id }) => id === toolId);
    $("message").placeholder = chosen?.placeholderOverride || placeholder;
  }

  /** @param {{ toolId?: string | null, modelId?: string | null }} next */
  function set(next) {
    const before = toolId;
    if (next.toolId === null || isTool(next.toolId)) toolId = next.toolId;
    if (isModel(next.modelId)) modelId = next.modelId;
    draw();
    if (toolId !== before) onToolChange(toolId);
  }

  /** What the user, or a script of the site, chooses. @param {Parameters<typeof set>[0]} next */
  function choose(next) {
    isSettled = true;
    set(next);
  }

  /** @returns {InferenceOptions} */
  const value = () => ({
    ...(toolId !== null && { tool_choice: { id: toolId } }),
    ...(modelId !== null && { model: modelId }),
  });

  /** Go on with what was asked for before. @param {InferenceOptions} [options] */
  function restore(options = {}) {
    choose({ toolId: options.tool_choice?.id ?? null, modelId: options.model });
  }

  /**
   * What a conversation begins with: the last message's model, and its tool if that is persistent.
   *
   * @param {object} conversation that is shown
   * @param {InferenceOptions | undefined} last of its last message, once that is known
   */
  function show(conversation, last) {
    if (conversation !== shown) {
      shown = conversation;
      isSettled = false;
      set({ toolId: null, modelId: preset });
    }
    if (isSettled || !last) return;
    isSettled = true;
    const tool = tools.find(({ id, persistent }) => persistent && id === last.tool_choice?.id);
    set({ toolId: tool?.id ?? null, modelId: last.model });
  }

  /** A message has been sent. */
  function sent() {
    if (!tools.find(({ id }) => id === toolId)?.persistent) set({ toolId: null });
    isSettled = true;
  }

  draw();
  return { value, choose, restore, show, sent };
}
