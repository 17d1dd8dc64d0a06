import assert from "node:assert/strict";
import { test } from "node:test";
import { createProtocol, Refused, Unreachable } from "../../chatstore/static/chatstore/chat/protocol.js";
import { createParser } from "../../chatstore/static/chatstore/vendor/eventsource-parser.js";

const SENTENCES = { failed: "It failed.", unreachable: "Nobody there." };

/** A protocol whose server answers with `fetch`, and what it heard of the network. */
function connect(fetch) {
  const heard = [];
  const protocol = createProtocol({
    url: "/api/",
    csrfToken: "token",
    fetch,
    createParser,
    strings: SENTENCES,
    onLost: () => heard.push("lost"),
    onFound: () => heard.push("found"),
  });
  return { ...protocol, heard };
}

/** A response whose body arrives in these pieces of bytes or text. */
function stream(...pieces) {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      controller.close();
    },
  });
  return new Response(body);
}

async function read(response) {
  const { events } = connect();
  const all = [];
  for await (const event of events(response)) all.push(event);
  return all;
}

test("a request is one POST of JSON with the CSRF token", async () => {
  const asked = [];
  const { call, heard } = connect(async (...request) => {
    asked.push(request);
    return Response.json({ data: [] });
  });
  assert.deepEqual(await call("threads.list", { limit: 1 }), { data: [] });
  const [[url, { method, headers, body }]] = asked;
  assert.deepEqual([url, method, headers["X-CSRFToken"]], ["/api/", "POST", "token"]);
  assert.deepEqual(JSON.parse(body), { type: "threads.list", params: { limit: 1 } });
  assert.deepEqual(heard, ["found"]);
});

test("a refusal has the server's sentence, its status and when to try again", async () => {
  const headers = { "Retry-After": "7" };
  const { call } = connect(async () => Response.json({ error: "Too many." }, { status: 429, headers }));
  const error = await call("threads.list", {}).catch((caught) => caught);
  assert.ok(error instanceof Refused);
  assert.deepEqual([error.message, error.status, error.waitMs], ["Too many.", 429, 7000]);
});

for (const [what, body] of [
  ["no JSON", "<h1>500</h1>"],
  ["null", "null"],
]) {
  test(`a refusal that is ${what} is said in the page's words`, async () => {
    const { call } = connect(async () => new Response(body, { status: 500 }));
    await assert.rejects(call("threads.list", {}), { message: "It failed.", status: 500 });
  });
}

test("a proxy without a server behind it counts as no connection; the server's own 503 doesn't", async () => {
  for (const status of [502, 503, 504]) {
    const { call, heard } = connect(async () => new Response("<h1>Bad gateway</h1>", { status }));
    await assert.rejects(call("threads.list", {}), Unreachable);
    assert.deepEqual(heard, ["lost"]);
  }
  const { call, heard } = connect(async () => Response.json({ error: "Busy." }, { status: 503 }));
  await assert.rejects(call("threads.list", {}), { message: "Busy." });
  assert.deepEqual(heard, ["found"]);
});

test("a server that can't be reached is told to the network", async () => {
  const { call, heard } = connect(async () => {
    throw new TypeError("Failed to fetch");
  });
  const error = await call("threads.list", {}).catch((caught) => caught);
  assert.ok(error instanceof Unreachable);
  assert.equal(error.message, "Nobody there.");
  assert.deepEqual(heard, ["lost"]);
});

test("a request that is stopped is no loss of the network", async () => {
  const { call, heard } = connect(async () => {
    throw new DOMException("", "AbortError");
  });
  await assert.rejects(call("threads.list", {}), { name: "AbortError" });
  assert.deepEqual(heard, []);
});

test("events are read whatever the line ends and however the bytes are cut", async () => {
  const text = 'data: {"n": 1}\n\n: a comment\n\nevent: x\r\ndata:{"n":\r\ndata: "né"}\r\n\r\ndata: {"n": 3}\n\n';
  const whole = [{ n: 1 }, { n: "né" }, { n: 3 }];
  assert.deepEqual(await read(stream(text)), whole);
  const bytes = new TextEncoder().encode(text);
  const single = [...bytes].map((byte) => Uint8Array.of(byte));
  assert.deepEqual(await read(stream(...single)), whole);
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.deepEqual(await read(stream(bytes.slice(0, cut), bytes.slice(cut))), whole);
  }
});

test("an event that was cut off is not read", async () => {
  assert.deepEqual(await read(stream('data: {"n": 1}\n\ndata: {"n"')), [{ n: 1 }]);
});

test("a stream that breaks gives what came before, and tells the network", async () => {
  const pieces = [new TextEncoder().encode('data: {"n": 1}\n\n')];
  const body = new ReadableStream({
    pull(controller) {
      if (pieces.length) controller.enqueue(pieces.pop());
      else controller.error(new TypeError("network error"));
    },
  });
  const { events, heard } = connect();
  const got = [];
  const reading = (async () => {
    for await (const event of events(new Response(body))) got.push(event);
  })();
  await assert.rejects(reading, Unreachable);
  assert.deepEqual([got, heard], [[{ n: 1 }], ["lost"]]);
});

test("who stops reading lets go of the stream", async () => {
  let isCancelled = false;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('data: {"n": 1}\n\n')),
    cancel() {
      isCancelled = true;
    },
  });
  for await (const event of connect().events(new Response(body))) {
    assert.equal(event.n, 1);
    break;
  }
  await new Promise(setImmediate);
  assert.ok(isCancelled);
});
