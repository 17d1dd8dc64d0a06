// The modules that page.js is given. Here, and not beside it, because it is not to be loaded by the page.

interface PageModules {
  dom: typeof import("../../chatstore/static/chatstore/chat/dom.js");
  text: typeof import("../../chatstore/static/chatstore/chat/text.js");
  protocol: typeof import("../../chatstore/static/chatstore/chat/protocol.js");
  network: typeof import("../../chatstore/static/chatstore/chat/network.js");
  hooks: typeof import("../../chatstore/static/chatstore/chat/hooks.js");
  alerts: typeof import("../../chatstore/static/chatstore/chat/alerts.js");
  answers: typeof import("../../chatstore/static/chatstore/chat/answers.js");
  conversation: typeof import("../../chatstore/static/chatstore/chat/conversation.js");
  item_data: typeof import("../../chatstore/static/chatstore/chat/item_data.js");
  thread_list: typeof import("../../chatstore/static/chatstore/chat/thread_list.js");
  conversations: typeof import("../../chatstore/static/chatstore/chat/conversations.js");
  turns: typeof import("../../chatstore/static/chatstore/chat/turns.js");
  running_answers: typeof import("../../chatstore/static/chatstore/chat/running_answers.js");
  changes: typeof import("../../chatstore/static/chatstore/chat/changes.js");
  scroll: typeof import("../../chatstore/static/chatstore/chat/scroll.js");
  timeline: typeof import("../../chatstore/static/chatstore/chat/timeline.js");
  own_threads: typeof import("../../chatstore/static/chatstore/chat/own_threads.js");
  message_buttons: typeof import("../../chatstore/static/chatstore/chat/message_buttons.js");
  temporary: typeof import("../../chatstore/static/chatstore/chat/temporary.js");
  message_box: typeof import("../../chatstore/static/chatstore/chat/message_box.js");
  methods: typeof import("../../chatstore/static/chatstore/chat/methods.js");
  waiting: typeof import("../../chatstore/static/chatstore/chat/waiting.js");
  kept_draft: typeof import("../../chatstore/static/chatstore/chat/kept_draft.js");
  selection: typeof import("../../chatstore/static/chatstore/chat/selection.js");
  uploads: typeof import("../../chatstore/static/chatstore/chat/uploads.js");
  shell: typeof import("../../chatstore/static/chatstore/chat/shell.js");
  swipe: typeof import("../../chatstore/static/chatstore/chat/swipe.js");
  page_address: typeof import("../../chatstore/static/chatstore/chat/page_address.js");
  copy_button: typeof import("../../chatstore/static/chatstore/chat/copy_button.js");
  thread_acts: typeof import("../../chatstore/static/chatstore/chat/thread_acts.js");
  refresh: typeof import("../../chatstore/static/chatstore/chat/refresh.js");
  eventsource_parser: { createParser: import("../../chatstore/static/chatstore/chat/protocol.js").CreateParser };
}
