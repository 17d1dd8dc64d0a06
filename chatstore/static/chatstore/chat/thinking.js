/**
 * Answers that begin with `<think>…</think>`, as some models write their reasoning: it is folded.
 *
 * @typedef {ReturnType<typeof createThoughtfulText>} ThoughtfulText
 */

const THOUGHT = /^\s*<think>([\s\S]*?)(?:<\/think>\s*|$)/;

/**
 * An answer's reasoning (null: there is none) and the answer itself, and where that begins.
 *
 * @param {string} text
 */
export function splitThought(text) {
  const found = THOUGHT.exec(text);
  if (!found) return { thought: null, answer: text, start: 0 };
  return { thought: found[1].trim(), answer: text.slice(found[0].length), start: found[0].length };
}

/**
 * The text of an answer's part, with its reasoning apart.
 *
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {Record<string, string>} options.strings
 * @param {import("./answer_text.js").AnswerText} options.AnswerText
 */
export function createThoughtfulText({ dom, strings, AnswerText }) {
  const { el, icon } = dom;

  return class {
    constructor() {
      this.answer = new AnswerText();
      this.thought = new AnswerText();
      this.thought.node.classList.add("small");
      const summary = el("summary", {}, icon("lightbulb"), el("span", { text: strings.task_thought }));
      this.details = el("details", { class: "work" }, summary, el("div", { class: "steps" }, this.thought.node));
      this.hasThought = false;
    }

    /** Nodes to show, in order. */
    get nodes() {
      return this.hasThought ? [this.details, this.answer.node] : [this.answer.node];
    }

    /** More may come. @param {string} text all of it @returns {boolean} whether the nodes have changed */
    set(text) {
      const { thought, answer } = splitThought(text);
      const before = this.hasThought;
      this.hasThought = thought !== null;
      if (thought !== null) this.thought.set(thought);
      this.answer.set(answer);
      return before !== this.hasThought;
    }

    /** No more will come. @param {string} text */
    finish(text) {
      const { thought, answer } = splitThought(text);
      this.hasThought = thought !== null;
      if (thought !== null) this.thought.finish(thought);
      this.answer.finish(answer);
    }
  };
}
