/**
 * Light or dark, as was chosen on this device; without a choice the system's setting counts.
 *
 * A small script that is no module, loaded before the stylesheet: a module runs once the page is
 * there, which would be seen in the wrong colours until then. chat/theme_switch.js changes it.
 */
try {
  const chosen = localStorage.getItem("chatstore-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden.
}
