/**
 * Entities: the search when `@` is written, those that a message names, and a preview of each.
 *
 * @typedef {ReturnType<typeof createEntities>} Entities
 * @typedef {import("./mentions.js").Entity} Entity
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {(query: string) => Promise<Entity[]> | null} options.search null: there is none
 * @param {(entity: Entity) => Promise<any>} options.preview a widget, or null
 * @param {(entity: Entity) => void} options.onClick
 * @param {(widget: any) => Promise<HTMLElement>} options.drawWidget
 */
export function createEntities({ dom, search, preview, onClick, drawWidget }) {
  const { $, el } = dom;
  const card = $("entity-preview");
  /** @type {HTMLElement | null} whose preview is shown, or asked for */
  let pointed = null;

  /** @param {HTMLElement} tag */
  function place(tag) {
    const { left, top, bottom } = tag.getBoundingClientRect();
    const above = top - card.offsetHeight - 6;
    card.style.top = `${above > 8 ? above : bottom + 6}px`;
    card.style.left = `${Math.max(8, Math.min(left, innerWidth - card.offsetWidth - 8))}px`;
  }

  /** @param {HTMLElement} tag @param {Entity} entity */
  async function showPreview(tag, entity) {
    pointed = tag;
    const widget = await preview(entity).catch(() => /** @type {any} */ (null)); // a preview is no promise
    const drawn = widget && pointed === tag ? await drawWidget(widget) : null;
    if (pointed !== tag || !drawn || !tag.isConnected) return;
    drawn.inert = true;
    card.replaceChildren(drawn);
    card.showPopover();
    place(tag);
  }

  function hidePreview() {
    pointed = null;
    if (card.matches(":popover-open")) card.hidePopover();
  }

  /** A tag in a message. @param {Entity} entity @returns {HTMLElement} */
  function tag(entity) {
    const text = `@${entity.title}`;
    if (!entity.interactive) return el("span", { class: "tag", text });
    const node = el("button", { type: "button", class: "tag", text, onclick: () => onClick(entity) });
    for (const name of ["pointerenter", "focus"]) node.addEventListener(name, () => showPreview(node, entity));
    for (const name of ["pointerleave", "blur"]) node.addEventListener(name, hidePreview);
    return node;
  }

  /** Those that what is being written names. @param {readonly Entity[]} named */
  function drawNamed(named) {
    hidePreview();
    $("mentions").replaceChildren(...named.map((entity) => el("li", {}, tag(entity))));
    $("mentions").hidden = !named.length;
  }

  /**
   * @param {string} query
   * @param {(entity: Entity) => void} choose
   * @returns {Promise<import("./suggestions.js").Suggestion[]>}
   */
  async function suggest(query, choose) {
    const found = (await search(query)) ?? [];
    return found.map((entity) => ({
      id: entity.id,
      label: entity.title,
      icon: entity.icon,
      group: entity.group,
      choose: () => choose(entity),
    }));
  }

  return { tag, drawNamed, suggest };
}
