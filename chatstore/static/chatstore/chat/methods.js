/**
 * The page's methods for a site's own scripts, on the element `#chat`. They are those of OpenAI's
 * component, but for `setOptions`: the page has its options from the server.
 */

/**
 * @param {object} options
 * @param {HTMLElement} options.element
 * @param {typeof import("./conversation.js")} options.model
 * @param {import("./conversations.js").Conversations} options.conversations
 * @param {import("./turns.js").Turns} options.turns
 * @param {import("./composer.js").Composer} options.composer
 * @param {import("./choices.js").Choices} options.choices
 * @param {typeof import("./mentions.js")} options.mentions
 * @param {(attachment: any) => any} options.held an attachment as the composer has it
 * @param {(files: Iterable<File>) => void} options.upload
 * @param {(id: string | null) => any} options.go to another conversation
 * @param {() => Promise<void>} options.refresh
 * @param {(isOpen: boolean) => void} options.showHistory
 */
export function addMethods(options) {
  const { element, model, conversations, turns, composer, choices, mentions, held } = options;

  /** @param {{ text?: string, content?: any[] }} params */
  const written = ({ text, content }) => (content ? mentions.draftOf(content) : { text: text ?? "", entities: [] });

  return Object.assign(element, {
    async focusComposer() {
      composer.focus();
    },

    /** @param {string | null} threadId */
    async setThreadId(threadId) {
      if (threadId !== model.idOf(conversations.shown.state)) await options.go(threadId);
    },

    /** @param {{ text?: string, content?: any[], reply?: string, attachments?: any[], newThread?: boolean,
     *   toolChoice?: { id: string }, model?: string }} params */
    async sendUserMessage(params) {
      if (params.newThread) await options.go(null);
      const { text, entities } = written(params);
      const { toolChoice, model: modelId } = params;
      turns.send({
        text,
        entities,
        content: params.content ?? mentions.contentOf(text, []),
        attachments: (params.attachments ?? []).map(held),
        quoted: params.reply ?? null,
        inference_options: { ...(toolChoice && { tool_choice: toolChoice }), ...(modelId && { model: modelId }) },
      });
    },

    /** @param {{ text?: string, content?: any[], reply?: string, attachments?: any[], files?: File[],
     *   selectedToolId?: string | null, selectedModelId?: string }} params */
    async setComposerValue(params) {
      const before = composer.draft();
      composer.setDraft({
        ...before,
        ...("text" in params || "content" in params ? written(params) : {}),
        quoted: "reply" in params ? (params.reply ?? null) : before.quoted,
        attachments: params.attachments?.map(held) ?? before.attachments,
        inference_options: undefined,
      });
      choices.choose({ toolId: params.selectedToolId, modelId: params.selectedModelId });
      if (params.files) options.upload(params.files);
    },

    /** @param {{ type: string, payload?: object }} action @param {string} [itemId] a widget's */
    async sendCustomAction(action, itemId) {
      const { shown } = conversations;
      const params = { thread_id: model.idOf(shown.state), item_id: itemId ?? null, action };
      await turns.start(shown, "threads.custom_action", params);
    },

    fetchUpdates: () => options.refresh(),

    async showHistory() {
      options.showHistory(true);
    },

    async hideHistory() {
      options.showHistory(false);
    },
  });
}
