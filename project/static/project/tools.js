/** The demo's client tools: what the assistant may ask of this page. */
document.addEventListener("chatstore:tool", ({ detail }) => {
  if (detail.name === "screen_size") detail.respondWith({ width: screen.width, height: screen.height });
});
