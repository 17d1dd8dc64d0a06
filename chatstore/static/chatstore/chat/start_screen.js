/** What a new conversation shows: prompts to begin with; and the disclaimer below the box. */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {readonly { label: string, prompt: string | any[], icon?: string }[]} [options.prompts]
 * @param {{ text: string, highContrast?: boolean }} [options.disclaimer] in Markdown
 * @param {(source: string) => DocumentFragment} options.markdown
 * @param {(content: any[]) => void} options.onPrompt
 */
export function createStartScreen({ dom, prompts = [], disclaimer, markdown, onPrompt }) {
  const { $, el, icon } = dom;

  /** @param {{ label: string, prompt: string | any[], icon?: string }} one */
  function draw({ label, prompt, icon: name }) {
    const content = typeof prompt === "string" ? [{ type: "input_text", text: prompt }] : prompt;
    const words = el("span", { dir: "auto", text: label });
    return el("button", { type: "button", onclick: () => onPrompt(content) }, name && icon(name), words);
  }

  $("prompts").replaceChildren(...prompts.map(draw));
  $("prompts").hidden = !prompts.length;
  if (!disclaimer) return;
  $("disclaimer").replaceChildren(markdown(disclaimer.text));
  $("disclaimer").classList.toggle("high-contrast", Boolean(disclaimer.highContrast));
  $("disclaimer").hidden = false;
}
