/**
 * Commands: what `/` at the beginning of a message offers. Some are the page's own, others a site's
 * script has.
 *
 * @typedef {{ id: string, label: string, description?: string, icon?: string, group?: string }} Command as
 *   OpenAI's component has it
 * @typedef {import("./suggestions.js").Suggestion} Suggestion
 */

/**
 * @param {object} options
 * @param {() => readonly (Command & { run: () => void })[]} options.own of the page
 * @param {(query: string) => Promise<Command[]> | undefined} options.search undefined: nobody listens
 * @param {(command: Command) => Promise<any> | undefined} options.select
 * @param {(entity: import("./mentions.js").Entity) => void} options.insert
 * @param {(suggestions: Suggestion[]) => void} options.show a further menu
 * @param {() => void} options.clear the command that was written
 */
export function createCommands({ own, search, select, insert, show, clear }) {
  /** Whether a word of a label begins so. @param {string} label @param {string} query */
  const fits = (label, query) =>
    label
      .toLocaleLowerCase()
      .split(/\s+/)
      .some((word) => word.startsWith(query.toLocaleLowerCase()));

  /** @param {Command} command @returns {Suggestion} */
  const asSuggestion = (command) => ({
    ...command,
    async choose() {
      clear();
      const selection = await select(command);
      if (selection?.type === "entity") insert(selection.entity);
      if (selection?.type === "menu") show(selection.commands.map(asSuggestion));
    },
  });

  /** @param {string} query @returns {Promise<Suggestion[]>} */
  return async (query) => {
    const built = own().filter(({ label }) => fits(label, query));
    const found = (await search(query)) ?? [];
    const choose = (/** @type {() => void} */ run) => () => {
      clear();
      run();
    };
    return [...built.map(({ run, ...one }) => ({ ...one, choose: choose(run) })), ...found.map(asSuggestion)];
  };
}
