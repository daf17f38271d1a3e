import assert from "node:assert/strict";
import {createServer} from "node:http";
import {after, afterEach, before, beforeEach, describe, test} from "node:test";

import {
  JobFailedError, pollJob, PollError, PollTimeoutError,
} from "../../wordai_jobs/static/poll-job.js";

const RUNNING = {
  job_id: "j1",
  user_id: "alice",
  status: "processing",
  progress: 45,
  message: "Processed 120/283 pages...",
};
const COMPLETED = {
  ...RUNNING,
  status: "completed",
  progress: 100,
  result: {chapter_id: "c1", total_pages: 283},
};
const FAILED = {
  ...RUNNING,
  status: "failed",
  error: "Out of memory",
  message: "PDF processing failed: Out of memory",
};

/** The server's response to each request; the last one is repeated. A function responds itself. */
let script = [];
let requests = [];
let url;
let server;

before(async () => {
  server = createServer((request, response) => {
    requests.push(request.headers);
    const next = script.length > 1 ? script.shift() : script[0];
    if (typeof next === "function") next(request, response);
    else reply(response, next);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}/api/v1/books/jobs/j1`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => { requests = []; });
afterEach(() => { script = []; });

function reply(response, {status = 200, body = null, headers = {}}) {
  response.writeHead(status, {"Content-Type": "application/json", ...headers});
  response.end(status === 304 ? undefined : typeof body === "string" ? body : JSON.stringify(body));
}

const job = (body, headers) => ({body, headers});
const problem = (status, detail, headers) => ({status, body: {detail}, headers});
const hangUp = (request, response) => response.socket.destroy();

/** Pauses take no time, and it is remembered how long they would have been. */
function quickTime() {
  let time = 0;
  const pauses = [];
  return {
    pauses,
    now: () => time,
    random: () => 1,
    setTimeout: (callback, delay) => {
      pauses.push(delay);
      return setImmediate(() => { time += delay; callback(); });
    },
    clearTimeout: clearImmediate,
    document: undefined,
  };
}

function poll(options = {}) {
  const environment = quickTime();
  const promise = pollJob(url, {getToken: () => "token", environment, ...options});
  promise.catch(() => {});
  return {promise, pauses: environment.pauses};
}

describe("a job that goes well", () => {
  test("is polled until it is completed, and every new state is reported", async () => {
    script = [job({...RUNNING, status: "pending", progress: 0}), job(RUNNING), job(COMPLETED)];
    const reported = [];
    const {promise, pauses} = poll({onProgress: ({progress}) => reported.push(progress)});
    assert.deepEqual(await promise, COMPLETED);
    assert.deepEqual(reported, [0, 45, 100]);
    assert.deepEqual(pauses, [2000, 2000]);
  });

  test("is polled sooner at first, if wanted, unless it waits behind others", async () => {
    const pending = {...RUNNING, status: "pending", progress: 0};
    const behind = {"X-Queue-Position": "3", "Retry-After": "4"};
    const next = {"X-Queue-Position": "1", "Retry-After": "2"};
    script = [job(pending, behind), job(pending, next), job(RUNNING), job(RUNNING), job(COMPLETED)];
    const {promise, pauses} = poll({firstPauses: [200, 400]});
    await promise;
    assert.deepEqual(pauses, [4000, 200, 400, 2000]);
  });

  test("is polled with the ETag of its last state, and 304 reports nothing new", async () => {
    const unchanged = (request, response) => {
      assert.equal(request.headers["if-none-match"], '"a"');
      reply(response, {status: 304, headers: {"Retry-After": "2"}});
    };
    script = [job(RUNNING, {ETag: '"a"'}), unchanged, unchanged, job(COMPLETED, {ETag: '"b"'})];
    const reported = [];
    const ended = await poll({onProgress: ({progress}) => reported.push(progress)}).promise;
    assert.equal(ended.status, "completed");
    assert.deepEqual(reported, [45, 100]);
    assert.equal(requests[0]["if-none-match"], undefined);
  });

  test("tells its place in the queue, even if nothing else has changed", async () => {
    const pending = {...RUNNING, status: "pending", progress: 0};
    const unchanged = {status: 304, headers: {"X-Queue-Position": "2"}};
    script = [
      job(pending, {ETag: '"a"', "X-Queue-Position": "3"}),
      unchanged,
      unchanged,
      job(COMPLETED),
    ];
    const places = [];
    await poll({onProgress: (_, {queuePosition}) => places.push(queuePosition)}).promise;
    assert.deepEqual(places, [3, 2, null]);
  });

  test("is polled no sooner than Retry-After says, and no sooner than the interval", async () => {
    const retryAfter = (seconds) => job(RUNNING, {"Retry-After": seconds});
    script = [retryAfter("7"), retryAfter("1"), job(COMPLETED)];
    const {promise, pauses} = poll({interval: 3000});
    await promise;
    assert.deepEqual(pauses, [7000, 3000]);
  });

  test("a Retry-After that is not a number counts as none", async () => {
    script = [job(RUNNING, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), job(COMPLETED)];
    const {promise, pauses} = poll();
    await promise;
    assert.deepEqual(pauses, [2000]);
  });
});

describe("tokens", () => {
  test("are asked for before every poll", async () => {
    script = [job(RUNNING), job(RUNNING), job(COMPLETED)];
    let count = 0;
    await poll({getToken: async () => `t${++count}`}).promise;
    const sent = requests.map(({authorization}) => authorization);
    assert.deepEqual(sent, ["Bearer t1", "Bearer t2", "Bearer t3"]);
  });

  test("are refreshed once after a 401", async () => {
    script = [problem(401, "Could not validate credentials"), job(COMPLETED)];
    const asked = [];
    const getToken = ({forceRefresh}) => {
      asked.push(forceRefresh);
      return "t";
    };
    await poll({getToken}).promise;
    assert.deepEqual(asked, [false, true]);
  });

  test("that are refused twice end polling", async () => {
    script = [problem(401, "Could not validate credentials")];
    await assert.rejects(poll().promise, (error) => {
      assert.ok(error instanceof PollError);
      assert.equal(error.status, 401);
      return true;
    });
    assert.equal(requests.length, 2);
  });

  test("that are missing end polling without a request", async () => {
    await assert.rejects(poll({getToken: () => null}).promise, {name: "PollError", status: 401});
    assert.equal(requests.length, 0);
  });

  test("that cannot be fetched at the moment are waited for", async () => {
    script = [job(COMPLETED)];
    let tries = 0;
    const getToken = async () => {
      if (++tries < 3) throw new Error("auth/network-request-failed");
      return "t";
    };
    const problems = [];
    const onWaiting = (reported) => problems.push(reported && reported.message);
    assert.equal((await poll({getToken, onWaiting}).promise).status, "completed");
    const failed = "auth/network-request-failed";
    assert.deepEqual(problems, [failed, failed, null]);
  });
});

describe("a server in trouble", () => {
  test("is polled more and more slowly up to 10 s, and at the usual pace afterwards", async () => {
    script = [
      problem(503, "x"), problem(502, "x"), problem(500, "x"), problem(504, "x"), job(RUNNING),
      problem(500, "x"), job(COMPLETED),
    ];
    const {promise, pauses} = poll();
    await promise;
    assert.deepEqual(pauses, [2000, 4000, 8000, 10_000, 2000, 2000]);
  });

  test("is polled at times that differ between clients", async () => {
    script = [problem(503, "x"), problem(503, "x"), job(COMPLETED)];
    const environment = {...quickTime(), random: () => 0};
    await pollJob(url, {getToken: () => "t", environment});
    assert.deepEqual(environment.pauses, [1000, 2000]);
  });

  test("that says when to come back is taken at its word", async () => {
    script = [
      problem(429, "Too many requests", {"Retry-After": "25"}),
      problem(503, "x", {"Retry-After": "1"}),
      job(COMPLETED),
    ];
    const {promise, pauses} = poll();
    await promise;
    assert.deepEqual(pauses, [25_000, 4000]);
  });

  test("that hangs up, or sends something else than a job, is polled again", async () => {
    const fromProxy = {
      body: "<html>Sign in to the hotel's network</html>",
      headers: {"Content-Type": "text/html"},
    };
    const brokenOff = (request, response) => {
      response.writeHead(200, {"Content-Length": "500"});
      response.write('{"job_id": "j1"', () => response.socket.destroy());
    };
    const badGateway = {status: 502, body: "<h1>Bad gateway</h1>"};
    script = [hangUp, fromProxy, job({}), brokenOff, badGateway, job(COMPLETED)];
    assert.equal((await poll().promise).status, "completed");
    assert.equal(requests.length, 6);
  });

  test("that does not respond in time is polled again", async () => {
    script = [() => {}, job(COMPLETED)];
    const problems = [];
    const {promise} = poll({requestTimeout: 50, onWaiting: (it) => problems.push(it)});
    assert.equal((await promise).status, "completed");
    assert.deepEqual(problems.map((it) => it?.status), [0, undefined]);
  });

  test("is reported, and so is its return", async () => {
    script = [
      job(RUNNING, {ETag: '"a"'}),
      problem(502, "The server is restarting"),
      hangUp,
      {status: 304},
      job(COMPLETED),
    ];
    const reported = [];
    await poll({onWaiting: (it) => reported.push(it && [it.status, it.retryIn])}).promise;
    assert.deepEqual(reported, [[502, 2000], [0, 4000], null]);
  });

  test("may be away for a while and come back on the same address", async () => {
    const other = createServer((request, response) => reply(response, job(RUNNING)));
    await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
    const {port} = other.address();
    let restarted;
    const restart = () => {
      restarted = createServer((request, response) => reply(response, job(COMPLETED)));
      restarted.listen(port, "127.0.0.1");
    };
    let failures = 0;
    const onProgress = ({status}) => {
      if (status !== "processing") return;
      other.closeAllConnections();
      other.close();
    };
    const onWaiting = (it) => { if (it && ++failures === 3) restart(); };
    const options = {getToken: () => "t", interval: 5, onProgress, onWaiting};
    const ended = await pollJob(`http://127.0.0.1:${port}/`, options);
    assert.equal(ended.status, "completed");
    assert.ok(failures >= 3);
    restarted.closeAllConnections();
    restarted.close();
  });
});

describe("polling ends", () => {
  test("with the job's own error if it failed", async () => {
    script = [job(RUNNING), job(FAILED)];
    const reported = [];
    const onProgress = ({status}) => reported.push(status);
    await assert.rejects(poll({onProgress}).promise, (error) => {
      assert.ok(error instanceof JobFailedError);
      assert.equal(error.message, "Out of memory");
      assert.deepEqual(error.job, FAILED);
      return true;
    });
    assert.deepEqual(reported, ["processing", "failed"]);
  });

  const refusals = [
    [400, "Bad request"], [403, "Access denied to this job"], [404, "Job j1 not found"],
  ];
  for (const [status, detail] of refusals) {
    test(`at once on ${status}, with the server's message`, async () => {
      script = [problem(status, detail)];
      await assert.rejects(poll().promise, {name: "PollError", status, message: detail});
      assert.equal(requests.length, 1);
    });
  }

  test("after the time limit, with the limit and the last state", async () => {
    script = [job(RUNNING)];
    const {promise, pauses} = poll({maxDuration: 5000});
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof PollTimeoutError && error instanceof PollError);
      assert.equal(error.message, "The job had not ended after 5 seconds");
      assert.deepEqual(error.job, RUNNING);
      return true;
    });
    assert.deepEqual(pauses, [2000, 2000, 1000]);
  });

  test("after 30 minutes by default", async () => {
    script = [problem(503, "x")];
    const message = "The job had not ended after 30 minutes";
    await assert.rejects(poll({interval: 60_000}).promise, {message});
  });

  test("in the middle of a request without a response, once the time is up", async () => {
    script = [() => {}];
    const promise = pollJob(url, {getToken: () => "t", maxDuration: 60});
    await assert.rejects(promise, {name: "PollTimeoutError"});
  });

  test("before the first request if the signal is aborted already", async () => {
    await assert.rejects(poll({signal: AbortSignal.abort()}).promise, {name: "AbortError"});
    assert.equal(requests.length, 0);
  });

  test("in the middle of a request, with the signal's reason", async () => {
    const controller = new AbortController();
    script = [() => controller.abort(new Error("left the page"))];
    await assert.rejects(poll({signal: controller.signal}).promise, {message: "left the page"});
  });

  test("in the middle of a pause", async () => {
    script = [job(RUNNING)];
    const controller = new AbortController();
    const promise = pollJob(url, {
      getToken: () => "t",
      signal: controller.signal,
      interval: 600_000,
      onProgress: () => setTimeout(() => controller.abort(), 20),
    });
    await assert.rejects(promise, {name: "AbortError"});
    assert.equal(requests.length, 1);
  });

  test("while a token is waited for", async () => {
    const controller = new AbortController();
    const getToken = () => new Promise(() => setTimeout(() => controller.abort(), 20));
    await assert.rejects(poll({getToken, signal: controller.signal}).promise, {name: "AbortError"});
  });
});

describe("a hidden page", () => {
  const tab = (hidden) => Object.assign(new EventTarget(), {hidden});

  test("polls five times more slowly", async () => {
    script = [job(RUNNING), job(COMPLETED)];
    const environment = {...quickTime(), document: tab(true)};
    await pollJob(url, {getToken: () => "t", environment});
    assert.deepEqual(environment.pauses, [10_000]);
  });

  test("polls at once when it is shown again after that time", async () => {
    script = [job(RUNNING), job(COMPLETED)];
    const document = tab(true);
    let time = 0;
    const environment = {
      document,
      now: () => time,
      clearTimeout: clearImmediate,
      setTimeout: (callback, delay) => (delay === 0 ? setImmediate(callback) : undefined),
    };
    const show = () => {
      time = 3000;
      document.hidden = false;
      document.dispatchEvent(new Event("visibilitychange"));
    };
    const onProgress = ({status}) => { if (status === "processing") setTimeout(show, 10); };
    const ended = await pollJob(url, {getToken: () => "t", onProgress, environment});
    assert.equal(ended.status, "completed");
  });

  test("leaves no listener behind", async () => {
    script = [job(RUNNING), job(RUNNING), job(COMPLETED)];
    const document = tab(false);
    let listeners = 0;
    document.addEventListener = () => { listeners += 1; };
    document.removeEventListener = () => { listeners -= 1; };
    await pollJob(url, {getToken: () => "t", environment: {...quickTime(), document}});
    assert.equal(listeners, 0);
  });
});
