import assert from "node:assert/strict";
import { test } from "node:test";
import { createPreviews } from "../../chatstore/static/chatstore/chat/previews.js";

/** Previews whose server answers by `load`; `tick` lets all that is waiting happen, and tells the delays. */
function setUp(load) {
  const timers = [];
  const shown = new Map();
  const state = { isOffline: false };
  const previews = createPreviews({
    load,
    isOffline: () => state.isOffline,
    onLoaded: (id, words) => shown.set(id, words),
    schedule: (run, delay) => timers.push([run, delay]),
  });
  async function tick() {
    await new Promise(setImmediate);
    const due = timers.splice(0);
    for (const [run] of due) run();
    await new Promise(setImmediate);
    return due.map(([, delay]) => delay);
  }
  return { ...previews, shown, state, tick };
}

test("a few are asked for at once, each once", async () => {
  const asked = [];
  const answers = [];
  const { want, shown } = setUp((id) => {
    asked.push(id);
    return new Promise((resolve) => answers.push(() => resolve(`words of ${id}`)));
  });
  for (const id of ["a", "b", "c", "d", "a", "d"]) want(id);
  assert.deepEqual(asked, ["a", "b", "c"]);
  answers[0]();
  await new Promise(setImmediate);
  assert.deepEqual(asked, ["a", "b", "c", "d"]);
  assert.deepEqual([...shown], [["a", "words of a"]]);
});

test("what failed is asked for again, later and later", async () => {
  let isBroken = true;
  let count = 0;
  const { want, shown, tick } = setUp(async (id) => {
    count++;
    if (isBroken) throw Object.assign(new Error(), { status: 500 });
    return id;
  });
  for (const id of ["a", "b", "c", "d", "e"]) want(id);
  assert.deepEqual(await tick(), [2000]);
  assert.deepEqual(await tick(), [4000]);
  assert.deepEqual(await tick(), [8000]);
  assert.equal(count, 12); // three at once, and none while it waits
  isBroken = false;
  await tick();
  assert.deepEqual([...shown.keys()].sort(), ["a", "b", "c", "d", "e"]);
});

test("what is refused for a while is asked for when the server says", async () => {
  const refusals = [{ status: 429, waitMs: 30000 }];
  const { want, shown, tick } = setUp(async (id) => {
    if (refusals.length) throw Object.assign(new Error(), refusals.pop());
    return id;
  });
  want("a");
  assert.deepEqual(await tick(), [30000]);
  assert.deepEqual([...shown.keys()], ["a"]);
});

test("a thread that is gone is not asked for again", async () => {
  let count = 0;
  const { want, tick } = setUp(async () => {
    count++;
    throw Object.assign(new Error(), { status: 404 });
  });
  want("a");
  assert.deepEqual(await tick(), []);
  assert.equal(count, 1);
});

test("while the network is lost nothing is asked for; then what waits is", async () => {
  const { want, resume, shown, state, tick } = setUp(async (id) => id);
  state.isOffline = true;
  want("a");
  await tick();
  assert.equal(shown.size, 0);
  state.isOffline = false;
  resume();
  await tick();
  assert.deepEqual([...shown.keys()], ["a"]);
});

test("one that is refreshed is asked for again", async () => {
  let count = 0;
  const { want, refresh, of, tick } = setUp(async () => `${++count}`);
  want("a");
  await tick();
  want("a");
  await tick();
  assert.equal(of("a"), "1");
  refresh("a");
  await tick();
  assert.equal(of("a"), "2");
});
