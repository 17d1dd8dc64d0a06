/** The demo's client tools, which the assistant may call in this page. */
document.addEventListener("chatstore:tool", ({ detail }) => {
  if (detail.name === "screen_size") detail.respondWith({ width: screen.width, height: screen.height });
});
