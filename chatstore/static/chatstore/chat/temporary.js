/**
 * Temporary conversations: the switch in a new one, and what is said above one.
 *
 * @typedef {ReturnType<typeof createTemporary>} Temporary
 */

/**
 * @param {object} options
 * @param {import("./dom.js").Dom} options.dom
 * @param {import("./text.js").Text["say"]} options.say
 * @param {number} options.hours after its last message when one is deleted; 0: there are none
 */
export function createTemporary({ dom: { $ }, say, hours }) {
  const button = $("temporary");
  let isOn = false;
  let isNew = false;
  let isTemporary = false;

  function show() {
    $("temporary-choice").hidden = !(hours && isNew);
    button.setAttribute("aria-pressed", String(isOn));
    $("temporary-note").hidden = !(isTemporary || (isNew && isOn));
  }

  /** @param {{ isNew: boolean, isTemporary: boolean }} shown of the conversation that is shown */
  function draw(shown) {
    // What was chosen for one conversation is not for the next.
    if (isNew && !shown.isNew) isOn = false;
    ({ isNew, isTemporary } = shown);
    show();
  }

  $("temporary-text").textContent = say("temporaryNote", { hours });
  button.addEventListener("click", () => {
    isOn = !isOn;
    show();
  });

  return { draw, isOn: () => isOn };
}
