/**
 * What the assistant did besides writing: tasks, workflows, calls of this page's tools.
 *
 * @typedef {ReturnType<typeof createSteps>} Steps
 */

const TASK_ICONS = new Map([
  ["web_search", "globe"],
  ["thought", "lightbulb"],
  ["file", "document"],
  ["image", "square-image"],
]);

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text} options.text
 * @param {(source: string) => DocumentFragment} options.markdown
 * @param {(source: any) => HTMLElement} options.sourceLink
 * @param {(item: any) => void} options.runTool
 */
export function createSteps({ dom, text, markdown, sourceLink, runTool }) {
  const { el, icon } = dom;
  const { strings, say } = text;
  const spinner = () => el("span", { class: "spinner" });

  /** @param {any} task */
  function drawTask(task) {
    const title = task.title || task.title_query || strings[`task_${task.type}`] || strings.task;
    const sources = task.sources ?? [];
    const sign =
      task.status_indicator === "complete"
        ? icon("check")
        : task.status_indicator === "loading"
          ? spinner()
          : icon(TASK_ICONS.get(task.type) ?? task.icon);
    const body = el(
      "div",
      {},
      el("p", { class: "step-title", dir: "auto", text: title }),
      task.queries?.length > 0 && el("p", { class: "muted", text: task.queries.join(" · ") }),
      task.content && el("div", { class: "prose small", dir: "auto" }, markdown(task.content)),
      sources.length > 0 &&
        el("ul", { class: "step-sources" }, ...sources.map((/** @type {any} */ one) => el("li", {}, sourceLink(one)))),
    );
    return el("div", { class: `step ${task.status_indicator ?? "none"}` }, sign, body);
  }

  /** @param {any} workflow @param {boolean} isLive */
  function workflowTitle({ summary }, isLive) {
    if (summary?.title !== undefined && summary?.title !== null) return summary.title;
    if (summary?.duration !== undefined) {
      const options = /** @type {any} */ ({ style: "unit", unit: "second", unitDisplay: "long" });
      return say("worked", { duration: text.number(summary.duration, options) });
    }
    return isLive ? strings.working : strings.workDone;
  }

  /** @param {any} workflow @param {boolean} isLive @param {any} [old] what shows it, and stays: somebody may fold
   * it or read on in a step while another grows */
  function drawWorkflow(workflow, isLive, old) {
    const { summary, tasks } = workflow;
    const fresh = el(
      "details",
      { class: "work" },
      el(
        "summary",
        {},
        isLive && !summary ? spinner() : icon(summary?.icon ?? "sparkle"),
        el("span", { text: workflowTitle(workflow, isLive) }),
      ),
      el("div", { class: "steps" }),
    );
    const details = old ?? fresh;
    details.open = workflow.expanded || isLive;
    const [heading, list] = details.children;
    if (!heading.isEqualNode(fresh.firstChild)) heading.replaceChildren(...fresh.firstChild.childNodes);
    while (list.children.length > tasks.length) list.lastChild.remove();
    tasks.forEach((/** @type {any} */ task, /** @type {number} */ n) => {
      const there = list.children[n];
      if (there?.task === task) return;
      const step = Object.assign(drawTask(task), { task });
      if (there) there.replaceWith(step);
      else list.append(step);
    });
    return details;
  }

  /** @param {any} item @param {boolean} isRunning */
  function drawToolCall(item, isRunning) {
    const isDone = item.status === "completed";
    const sign = isDone ? icon("check") : isRunning ? spinner() : icon("desktop");
    const title = isDone ? say("toolDone", { name: item.name }) : say("toolAsked", { name: item.name });
    const body = el(
      "div",
      {},
      el("p", { class: "step-title", text: title }),
      !isDone &&
        !isRunning &&
        el("button", { type: "button", class: "button", text: strings.runTool, onclick: () => runTool(item) }),
    );
    return el("div", { class: "step tool" }, sign, body);
  }

  return { drawTask, drawWorkflow, drawToolCall };
}
