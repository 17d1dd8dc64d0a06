/** The demo's hooks: a client tool that the assistant may call in this page, and its commands. */
document.addEventListener("chatstore:tool", ({ detail }) => {
  if (detail.name === "screen_size") detail.respondWith({ width: screen.width, height: screen.height });
});

let chat;
document.addEventListener("chatstore:ready", ({ detail }) => {
  chat = detail.chat;
});

const BICYCLES = ["Terra 2", "City Guard", "Polder"];
const COMMANDS = [
  { id: "repair", label: "Repair", description: "Write an order", icon: "write" },
  { id: "bicycle", label: "Bicycle", description: "Name one", icon: "compass" },
];

document.addEventListener("chatstore:command-search", ({ detail }) => {
  detail.respondWith(COMMANDS.filter(({ id }) => id.startsWith(detail.query.toLowerCase())));
});

document.addEventListener("chatstore:command", ({ detail }) => {
  const { id, label } = detail.command;
  if (id === "repair") chat.setComposerValue({ text: "Please repair my bicycle: " });
  else if (id === "bicycle") {
    const commands = BICYCLES.map((title) => ({ id: `bicycle:${title}`, label: title }));
    detail.respondWith({ type: "menu", commands });
  } else detail.respondWith({ type: "entity", entity: { id, title: label, interactive: true } });
});
