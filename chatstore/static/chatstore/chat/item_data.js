/**
 * An item as data: how an update changes it, and whether one says all that another does.
 *
 * @typedef {import("./conversation.js").Item} Item
 */

/** @template T @param {readonly T[]} list @param {number} at @param {T} value @returns {T[]} */
function put(list, at, value) {
  const copy = [...list];
  copy[at] = value;
  return copy;
}

/**
 * An item after an update of the protocol, of one that streams.
 *
 * @param {Item} item
 * @param {any} update
 * @returns {Item}
 */
export function updated(item, update) {
  const index = update.content_index;
  const part = item.content?.[index] ?? { type: "output_text", text: "", annotations: [] };
  const withPart = (/** @type {any} */ changed) => ({ ...item, content: put(item.content, index, changed) });
  const withTask = (/** @type {any} */ task) => ({
    ...item,
    workflow: { ...item.workflow, tasks: put(item.workflow.tasks, update.task_index, task) },
  });
  const withComponent = (/** @type {(old: any) => any} */ change) => ({
    ...item,
    widget: changedComponent(item.widget, update.component_id, change),
  });
  switch (update.type) {
    case "assistant_message.content_part.text_delta":
      return withPart({ ...part, text: part.text + update.delta });
    case "assistant_message.content_part.added":
    case "assistant_message.content_part.done":
      return withPart(update.content);
    case "assistant_message.content_part.annotation_added":
      return withPart({
        ...part,
        annotations: put(part.annotations ?? [], update.annotation_index, update.annotation),
      });
    case "workflow.task.added":
    case "workflow.task.updated":
      return withTask(update.task);
    case "generated_image.updated":
      return { ...item, image: update.image };
    case "widget.root.updated":
      return { ...item, widget: update.widget };
    case "widget.component.updated":
      return withComponent(() => update.component);
    case "widget.streaming_text.value_delta":
      return withComponent((old) => ({ ...old, value: (old.value ?? "") + update.delta }));
    default:
      return item;
  }
}

/** @param {any} component @param {string} id @param {(old: any) => any} change @returns {any} */
function changedComponent(component, id, change) {
  if (component.id === id) return change(component);
  const { children } = component;
  if (!children) return component;
  if (!Array.isArray(children)) return { ...component, children: changedComponent(children, id, change) };
  return { ...component, children: children.map((child) => changedComponent(child, id, change)) };
}

/** Whether all that an item says is in another, whatever the order of properties and their defaults.
 * @param {any} fresh @param {any} old @returns {boolean} */
export function covers(fresh, old) {
  if (typeof old !== "object" || !old) return fresh === old;
  if (typeof fresh !== "object" || !fresh || fresh.length !== old.length) return false;
  return Object.keys(old).every((key) => Object.hasOwn(fresh, key) && covers(fresh[key], old[key]));
}
