/**
 * Temporary conversations: the switch in a new one, and what is said above one.
 *
 * @typedef {ReturnType<typeof createTemporary>} Temporary
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text["sayCount"]} options.sayCount
 * @param {number} options.hours after its last message when one is deleted; 0: there are none
 */
export function createTemporary({ dom: { $ }, sayCount, hours }) {
  const button = $("temporary");
  let isOn = false;
  let isNew = false;
  let isTemporary = false;
  /** @type {object | null} */
  let drawn = null;

  function show() {
    $("temporary-choice").hidden = !(hours && isNew);
    button.setAttribute("aria-pressed", String(isOn));
    $("temporary-note").hidden = !(isTemporary || (isNew && isOn));
  }

  /**
   * @param {object} conversation that is shown
   * @param {{ isNew: boolean, isTemporary: boolean }} state its
   */
  function draw(conversation, state) {
    // What was chosen for one conversation is not for the next; but it is if its first message fails.
    if (conversation !== drawn) isOn = false;
    drawn = conversation;
    ({ isNew, isTemporary } = state);
    show();
  }

  $("temporary-text").textContent = sayCount("temporaryNote", hours);
  button.addEventListener("click", () => {
    isOn = !isOn;
    show();
  });

  return { draw, isOn: () => isOn };
}
