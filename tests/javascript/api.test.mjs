import assert from "node:assert/strict";
import {getEventListeners} from "node:events";
import {describe, test} from "node:test";

import {Api} from "../../wordai_jobs/static/app/shared/api.js";

const PATH = "/api/v1/books";
const api = new Api({getToken: async () => "token", expire: () => {}});
const busy = () => new Response('{"detail": "Too many requests"}', {status: 503});

/** Has the server send these responses in turn, and pauses take no time. */
function serve({mock}, responses) {
  mock.method(globalThis, "setTimeout", (callback) => setImmediate(callback));
  return mock.method(globalThis, "fetch", async () => responses.shift());
}

describe("reading from a server in trouble", () => {
  test("is tried again after pauses that leave no listener behind", async (context) => {
    const {signal} = new AbortController();
    serve(context, [busy(), busy(), Response.json({books: []})]);
    assert.deepEqual(await api.get(PATH, signal), {books: []});
    assert.deepEqual(getEventListeners(signal, "abort"), []);
  });

  test("is given up after four tries, with the server's message", async (context) => {
    const {mock} = serve(context, [busy(), busy(), busy(), busy()]);
    await assert.rejects(api.get(PATH), {status: 503, message: "Too many requests"});
    assert.equal(mock.callCount(), 4);
  });

  test("ends in the middle of a pause with the signal's reason", async (context) => {
    const controller = new AbortController();
    const {mock} = serve(context, [busy()]);
    context.mock.method(globalThis, "setTimeout", () => {
      setImmediate(() => controller.abort(new Error("left the reader")));
    });
    await assert.rejects(api.get(PATH, controller.signal), {message: "left the reader"});
    assert.equal(mock.callCount(), 1);
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
  });
});
