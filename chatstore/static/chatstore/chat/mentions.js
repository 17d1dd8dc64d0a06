/**
 * What a message names by `@`: entities of the application. In the box they are words; in the message
 * they are tags.
 *
 * @typedef {{ id: string, title: string, icon?: string, interactive?: boolean, group?: string,
 *   data?: Record<string, any> }} Entity as OpenAI's component has it
 */

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Where the titles stand in a text. @param {string} text @param {readonly Entity[]} entities */
function places(text, entities) {
  const titles = [...new Set(entities.map(({ title }) => title))].sort((a, b) => b.length - a.length);
  if (!titles.length) return [];
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])@(${titles.map(escaped).join("|")})(?![\\p{L}\\p{N}_])`, "gu");
  return [...text.matchAll(pattern)];
}

/** The entities that a text names, in its order. Of several with one title each is named in turn.
 * @param {string} text @param {readonly Entity[]} entities @returns {Entity[]} */
export function namedIn(text, entities) {
  const left = [...entities];
  return places(text, entities).map(([, title]) => {
    const at = left.findIndex((one) => one.title === title);
    return at < 0 ? entities.findLast((one) => one.title === title) : left.splice(at, 1)[0];
  });
}

/** A message's content, as the protocol has it. @param {string} text @param {readonly Entity[]} entities */
export function contentOf(text, entities) {
  const named = namedIn(text, entities);
  const content = [];
  let from = 0;
  for (const [n, place] of places(text, entities).entries()) {
    if (place.index > from) content.push({ type: "input_text", text: text.slice(from, place.index) });
    const { id, title, group, data, interactive } = named[n];
    content.push({
      type: "input_tag",
      id,
      text: title,
      data: data ?? {},
      group: group || undefined,
      interactive: Boolean(interactive),
    });
    from = place.index + place[0].length;
  }
  if (from < text.length) content.push({ type: "input_text", text: text.slice(from) });
  return content;
}

/** Content as what stands in the box. @param {readonly any[]} content
 * @returns {{ text: string, entities: Entity[] }} */
export function draftOf(content) {
  const tags = content.filter(({ type }) => type === "input_tag");
  return {
    text: content.map((part) => (part.type === "input_tag" ? `@${part.text}` : part.text)).join(""),
    entities: tags.map(({ id, text, group, data, interactive }) => ({ id, title: text, group, data, interactive })),
  };
}

/** What is written between a sign and the caret, and where it begins; null where nothing is named.
 * @param {string} sign @param {string} text @param {number} caret */
export function queryAt(sign, text, caret) {
  const before = text.slice(0, caret);
  const start = before.lastIndexOf(sign);
  const query = before.slice(start + 1);
  if (start < 0 || query.length > 60 || /\s/.test(query) || /[\p{L}\p{N}_]$/u.test(before.slice(0, start))) return null;
  return { query, start };
}
