import assert from "node:assert/strict";
import {describe, test} from "node:test";

import {Batch} from "../../wordai_jobs/static/app/library/batch.js";
import {Estimate} from "../../wordai_jobs/static/app/library/estimate.js";
import {phaseOf} from "../../wordai_jobs/static/app/library/job-phase.js";
import {
  JobEntry, Jobs, LEAVING_BAD_PAGES_BLANK,
} from "../../wordai_jobs/static/app/library/jobs.js";
import {areChapters, partsOf} from "../../wordai_jobs/static/app/library/parts.js";
import {ProgressAnnouncer} from "../../wordai_jobs/static/app/library/progress-announcer.js";
import {
  commonTitle, inNaturalOrder, titleFrom, usableTitle,
} from "../../wordai_jobs/static/app/library/titles.js";
import en from "../../wordai_jobs/static/app/messages/en.js";
import vi from "../../wordai_jobs/static/app/messages/vi.js";
import {PageSource} from "../../wordai_jobs/static/app/reader/page-source.js";
import {bodyOf} from "../../wordai_jobs/static/app/shared/api.js";
import {concurrently, oneAtATime} from "../../wordai_jobs/static/app/shared/concurrency.js";
import {
  formatFailure, formatSize, formatTimeLeft,
} from "../../wordai_jobs/static/app/shared/format.js";
import {chooseLanguage, t} from "../../wordai_jobs/static/app/shared/i18n.js";
import {formatRoute, parseRoute} from "../../wordai_jobs/static/app/shared/router.js";

describe("the app's messages", () => {
  test("exist in both languages, with the same values in them", () => {
    assert.deepEqual(Object.keys(vi), Object.keys(en));
    const values = (message) => [...message.matchAll(/\{\w+\}/g)].map(([value]) => value).sort();
    for (const key of Object.keys(en)) {
      assert.ok(en[key].trim() && vi[key].trim(), key);
      assert.deepEqual(values(vi[key]), values(en[key]), key);
    }
  });

  test("are chosen by the browser's languages", () => {
    assert.equal(chooseLanguage(["fr-FR", "vi-VN", "en"]), "vi");
    assert.equal(chooseLanguage(["en-GB", "vi"]), "en");
    assert.equal(chooseLanguage(["de"]), "en");
    assert.equal(chooseLanguage([]), "en");
  });

  test("take values and numbers", () => {
    assert.equal(t("job.pagesTotal", {count: 1}), "1 page");
    assert.equal(t("job.pagesTotal", {count: 1283}), "1,283 pages");
    assert.equal(t("books.edit", {title: "<b>{title}</b>"}), "Edit <b>{title}</b>");
  });

  test("keep titles that run to the left from turning the text around them", () => {
    assert.equal(t("job.in", {book: "a\u202eb"}), "in \u2068a\u202eb\u2069");
    assert.equal(t("job.in", {book: "كتاب"}), "in \u2068كتاب\u2069");
    assert.equal(t("job.in", {book: "Một cuốn sách"}), "in Một cuốn sách");
  });

  test("tell sizes, durations and failures", () => {
    assert.equal(formatSize(300), "1 kB");
    assert.equal(formatSize(1_793_479), "1.7 MB");
    assert.equal(formatSize(100 * 1024 * 1024), "100 MB");
    assert.equal(formatSize(10_000 * 1024 * 1024), "9.8 GB");
    assert.deepEqual([2, 12, 54, 60, 600, 8000].map(formatTimeLeft), [
      "almost done", "about 15 s left", "about 55 s left",
      "about 1 minute left", "about 10 minutes left", "more than 2 hours left",
    ]);
    assert.equal(formatFailure("Cancelled by user"), "You cancelled it.");
    assert.equal(formatFailure("Something new"), "Something new");
  });

  test("know every reason that names a page or a limit", () => {
    const limit = "You have reached the limit of 10000 MB of stored files: delete chapters that "
      + "you no longer need";
    const reasons = [
      "Page 17 took longer than 30 s", "Page 17 crashed the renderer",
      "Page 17 is damaged and cannot be rendered", limit, "Storage is full",
    ];
    for (const reason of reasons) {
      assert.ok(`failure.${reason.replaceAll(/\d+/g, "#")}` in en, reason);
    }
    assert.equal(formatFailure(reasons[0]), "Page 17 took longer than 30 s");
    assert.match(formatFailure(limit), /10,000 MB\. Delete chapters/);
  });

  test("say what to do if there is no room", () => {
    const refusal = (detail) => () => bodyOf(507, JSON.stringify({detail}));
    assert.throws(refusal("Storage is full"), {message: en["failure.Storage is full"]});
    assert.throws(refusal("Another detail"), {status: 507, message: "Another detail"});
  });
});

describe("a job's phase", () => {
  const running = (progress, message) => ({status: "processing", progress, message});
  const pending = {status: "pending", progress: 0, message: "PDF chapter creation job enqueued"};
  const completed = {status: "completed", progress: 100, message: "", result: {total_pages: 9}};
  const message = "PDF processing failed: Out of memory";
  const failed = {status: "failed", progress: 46, message};
  const cases = [
    [pending, ["pending", 0, 0]],
    [running(4, "Downloading PDF: Processed 3/4 pages.pdf"), ["fetching", 0, 0]],
    [running(30, "Extracting pages from PDF..."), ["opening", 0, 0]],
    [running(46, "Processed 120/283 pages..."), ["pages", 120, 283]],
    [running(70, "Processed 283 pages. Creating chapter..."), ["chapter", 283, 283]],
    [running(70, "Processed 1 page. Creating chapter..."), ["chapter", 1, 1]],
    [completed, ["completed", 9, 9]],
    [failed, ["failed", 0, 0]],
  ];
  for (const [job, [name, done, total]] of cases) {
    test(`is ${name} at ${job.message || job.status}`, () => {
      assert.deepEqual(phaseOf(job), {name, done, total});
    });
  }
});

test("a job that cannot be retried or cancelled says why", async () => {
  const post = async () => { throw new Error("The server is shutting down"); };
  const jobs = new Jobs({post});
  const entry = new JobEntry({job_id: "j1", status: "failed"}, null);
  assert.equal(await jobs.retry(entry), null);
  assert.equal(entry.refusal, "Couldn't retry: The server is shutting down");
  await jobs.cancel(entry);
  assert.equal(entry.refusal, "Couldn't cancel: The server is shutting down");
});

describe("a failed job with a bad page", () => {
  const entryOf = (error, status = "failed") => new JobEntry({job_id: "j1", status, error}, null);
  const ofPage = [
    "Page 17 took longer than 30 s", "Page 1 crashed the renderer",
    "Page 2 is damaged and cannot be rendered", "Out of memory",
  ];
  const others = ["Storage is full", "Cancelled by user", "Job took longer than 1800 s", undefined];

  test("is told from others by its error", () => {
    for (const error of ofPage) assert.ok(entryOf(error).hasBadPage, error);
    for (const error of others) assert.ok(!entryOf(error).hasBadPage, error);
    assert.ok(!entryOf(undefined, "processing").hasBadPage);
  });

  test("is retried as before, or with bad pages left blank", async () => {
    const sent = [];
    const post = async (...request) => {
      sent.push(request);
      return {job_id: "j2", status: "failed", created_at: ""};
    };
    const jobs = new Jobs({post});
    assert.equal(await jobs.retry(entryOf("Out of memory")), "j2");
    assert.equal(await jobs.retry(entryOf("Out of memory"), LEAVING_BAD_PAGES_BLANK), "j2");
    const path = "/api/v1/books/jobs/j1/retry";
    assert.deepEqual(sent, [[path, undefined], [path, {on_bad_page: "placeholder"}]]);
  });
});

test("a chapter's pages that could not be shown are listed with their reasons", async () => {
  const page = (number, problem) => (
    {page_number: number, background_url: "/i", width: 9, height: 9, ...(problem && {problem})});
  const pages = [page(1), page(2, "Out of memory"), page(3, "Page 3 took longer than 30 s")];
  const get = async () => ({title: "T", total_pages: 3, pages});
  const source = new PageSource({get}, new AbortController().signal);
  await source.readChapter("b", "c");
  assert.deepEqual(source.badPages, [
    {number: 2, problem: "Out of memory"}, {number: 3, problem: "Page 3 took longer than 30 s"},
  ]);
});

describe("the time left", () => {
  test("is not known before pages have been created for a few seconds", () => {
    const estimate = new Estimate();
    assert.equal(estimate.secondsLeft(0, 100), null);
    estimate.add(0, 0);
    estimate.add(2000, 10);
    assert.equal(estimate.secondsLeft(2000, 100), null);
  });

  test("follows from the pace of the pages, whatever came before the first", () => {
    const estimate = new Estimate();
    estimate.add(0, 0);
    estimate.add(60_000, 0);
    estimate.add(64_000, 20);
    assert.equal(estimate.secondsLeft(64_000, 100), 16);
  });

  test("forgets a pace of long ago", () => {
    const estimate = new Estimate();
    for (let second = 0; second <= 60; second += 2) estimate.add(second * 1000, second * 100);
    for (let second = 62; second <= 120; second += 2) {
      estimate.add(second * 1000, 6000 + second - 60);
    }
    assert.equal(Math.round(estimate.secondsLeft(120_000, 6100)), 40);
  });

  test("grows while nothing happens", () => {
    const estimate = new Estimate();
    estimate.add(0, 0);
    estimate.add(4000, 50);
    assert.ok(estimate.secondsLeft(20_000, 100) > estimate.secondsLeft(5000, 100));
  });
});

describe("the share of all that is under way", () => {
  test("never falls, whichever of several ends first and whatever joins them", () => {
    const batch = new Batch();
    const shares = [
      [["first", 0.1], ["second", 0.3]], [["first", 0.12], ["second", 0.9]],
      [["first", 0.14]], // the second has ended
      [["first", 0.14], ["third", 0]], [["third", 0.1]], [["third", 0.8]],
    ].map((underWay) => batch.update(underWay));
    assert.deepEqual(shares.map((share) => Math.round(share * 100)), [20, 51, 57, 57, 70, 93]);
  });

  test("begins again once nothing is under way", () => {
    const batch = new Batch();
    batch.update([["first", 0.9]]);
    assert.equal(batch.update([]), null);
    assert.equal(batch.update([["second", 0.2]]), 0.2);
  });
});

test("several chapters that become ready are said at once", ({mock}) => {
  mock.timers.enable({apis: ["setTimeout"]});
  const said = [];
  const announcer = new ProgressAnnouncer((message) => said.push(message));
  const job = {job_id: "j", status: "processing", progress: 30};
  for (const [progress, isAlone] of [[30, true], [41, true], [55, false]]) {
    announcer.progress({...job, progress}, "Physics", isAlone);
  }
  const end = (status) => announcer.ended({...job, status, error: "Out of memory"}, "Physics");
  end("completed");
  end("completed");
  end("failed");
  end("completed");
  mock.timers.tick(3000);
  assert.deepEqual(said, [
    "Physics: 40 percent", "Physics is ready to read",
    "Physics failed: A page needed more memory than is allowed.",
    "2 chapters are ready to read",
  ]);
});

describe("addresses", () => {
  const routes = [
    {view: "library"},
    {view: "job", jobId: "j 1/2"},
    {view: "job", jobId: "j", page: 1},
    {view: "chapter", bookId: "b", chapterId: "c"},
    {view: "chapter", bookId: "b", chapterId: "c", page: 12},
    {view: "chapter", bookId: "b", chapterId: "c", page: 1, query: "a b?/&"},
    {view: "search", query: ""},
    {view: "search", query: "đại học"},
  ];
  for (const route of routes) {
    test(`name ${JSON.stringify(route)} and find it again`, () => {
      assert.deepEqual(parseRoute(formatRoute(route)), route);
    });
  }

  test("that make no sense lead to the library or to no certain page", () => {
    for (const hash of ["", "#", "#/books/only-one", "#/%E0%A4%A", "#main"]) {
      assert.deepEqual(parseRoute(hash), {view: "library"}, hash);
    }
    for (const page of ["0", "-3", "x", "1e9", "99999999"]) {
      assert.deepEqual(parseRoute(`#/jobs/a/${page}`), {view: "job", jobId: "a"});
    }
  });
});

describe("concurrent work", () => {
  test("is done in full, a few items at a time", async () => {
    let [now, most] = [0, 0];
    const done = [];
    await concurrently([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now -= 1;
      done.push(item);
    });
    assert.deepEqual(done.sort(), [1, 2, 3, 4, 5, 6, 7]);
    assert.equal(most, 3);
  });

  test("stops at the first error", async () => {
    const started = [];
    const work = async (item) => {
      started.push(item);
      await new Promise(setImmediate);
      if (item === 2) throw new Error("no");
    };
    await assert.rejects(concurrently([1, 2, 3, 4, 5, 6], 1, work), {message: "no"});
    assert.deepEqual(started, [1, 2]);
  });
});

describe("work that must not run twice at once", () => {
  test("runs once more if it was called while it ran", async () => {
    let [runs, now, most] = [0, 0, 0];
    const work = oneAtATime(async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now -= 1;
      runs += 1;
    });
    await Promise.all([work(), work(), work()]);
    assert.deepEqual([runs, most], [2, 1]);
    await work();
    assert.equal(runs, 3);
  });

  test("can be called again after an error", async () => {
    let runs = 0;
    const work = oneAtATime(async () => { if (++runs === 1) throw new Error("no"); });
    await assert.rejects(work(), {message: "no"});
    await work();
    assert.equal(runs, 2);
  });
});

describe("suggested titles", () => {
  test("are made from files' names", () => {
    assert.equal(titleFrom("Bài_giảng  1.PDF"), "Bài giảng 1");
    assert.equal(titleFrom("a.b-c.pdf"), "a.b-c");
  });

  test("are the PDF's own, unless a program wrote them", () => {
    assert.equal(usableTitle(" Mechanics "), "Mechanics");
    assert.equal(usableTitle("Microsoft Word - Unit 3"), "Unit 3");
    for (const title of [null, "", "untitled", "Document1", "thesis.dvi", "slides.pptx"]) {
      assert.equal(usableTitle(title), "", String(title));
    }
  });

  test("of a book are what its chapters have in common", () => {
    assert.equal(commonTitle(["Physics 1", "Physics 2", "Physics 10"]), "Physics");
    assert.equal(commonTitle(["Toán - Chương 1", "Toán - Chương 2"]), "Toán");
    assert.equal(commonTitle(["Algebra", "Zoology"]), "Algebra");
    assert.equal(commonTitle(["Only one 7"]), "Only one 7");
  });
});

test("files come in the natural order of their names", () => {
  const files = ["10.pdf", "2.pdf", "b.pdf", "A.pdf"].map((name) => new File([], name));
  const names = inNaturalOrder(files).map(({name}) => name);
  assert.deepEqual(names, ["2.pdf", "10.pdf", "A.pdf", "b.pdf"]);
});

describe("the parts of a PDF", () => {
  const entry = (title, page, level = 1) => ({title, level, page_number: page});

  test("reach from one entry of the outline to the next", () => {
    const outline = [entry("One", 3), entry("1.1", 4, 2), entry("Two", 10), entry("Two too", 10)];
    const parts = partsOf(outline, 20, "Rest");
    assert.deepEqual(parts.map(({title, first, last, isChosen}) => (
      [title, first, last, isChosen])), [
      ["Rest", 1, 2, false], ["One", 3, 9, true], ["Two", 10, 20, true],
    ]);
    assert.ok(areChapters(parts));
  });

  test("are of the highest level that divides the PDF", () => {
    const outline = [entry("Book", 1), entry("One", 1, 2), entry("Two", 2, 2)];
    const parts = partsOf(outline, 4, "Rest");
    assert.deepEqual(parts.map(({title}) => title), ["One", "Two"]);
    assert.ok(!areChapters(parts), "an article");
  });

  test("are none without an outline, and never more than the server takes", () => {
    assert.deepEqual(partsOf([], 9, "Rest"), []);
    assert.deepEqual(partsOf([entry("Only", 1), entry("Beyond", 99)], 9, "Rest"), []);
    const many = Array.from({length: 500}, (_, index) => entry(`${index}`, index + 2));
    const parts = partsOf(many, 600, "Rest");
    assert.equal(parts.length, 200);
    assert.equal(parts.at(-1).last, 600);
  });
});
