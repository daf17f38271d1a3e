import assert from "node:assert/strict";
import {readdirSync, readFileSync} from "node:fs";
import {dirname, join} from "node:path";
import {describe, test} from "node:test";
import {fileURLToPath} from "node:url";

import en from "../../wordai_jobs/static/app/messages/en.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const APP = fileURLToPath(new URL("../../wordai_jobs/static/app/", import.meta.url));
/** Modules import from their own folder and from those before it; ".." has poll-job.js. */
const FOLDERS = ["..", "messages", "shared", "session", "library", "reader", "."];

/** Texts by path, relative to the app's folder. */
const sources = new Map(["../poll-job.js", ...readdirSync(APP, {recursive: true})]
  .filter((path) => /\.(js|css|html)$/.test(path))
  .map((path) => [path, readFileSync(join(APP, path), "utf8")]));

/** What each module imports: at once, later, or only for its types. Libraries are left out. */
const imports = new Map([...sources]
  .filter(([path]) => path.endsWith(".js"))
  .map(([path, text]) => {
    const named = [...text.matchAll(/\b(?:from |import |import\()"(\.[^"]+)"/g)];
    const paths = named.map(([, target]) => join(dirname(path), target));
    return [path, paths.filter((target) => sources.has(target))];
  }));

describe("imports", () => {
  test("run one way through the folders", () => {
    const rank = (path) => FOLDERS.indexOf(dirname(path));
    for (const [path, targets] of imports) {
      assert.ok(rank(path) >= 0, `FOLDERS does not have the folder of ${path}`);
      for (const target of targets) {
        assert.ok(rank(target) <= rank(path), `${path} imports ${target}`);
      }
    }
  });

  test("make no circle", () => {
    const remaining = new Map(imports);
    const isFree = ([, targets]) => !targets.some((target) => remaining.has(target));
    for (;;) {
      const free = [...remaining].find(isFree);
      if (!free) break;
      remaining.delete(free[0]);
    }
    assert.deepEqual([...remaining.keys()], []);
  });
});

describe("index.html", () => {
  const page = sources.get("index.html");
  const [beforeSignIn, afterSignIn, forReading] = page.split("<template id=");
  /** The modules that are fetched for a language or a way of signing in, or in any case. */
  const preloaded = (text, choice = "") => [
    ...text.matchAll(/"modulepreload" href="\/static\/([^"]+)"(?: data-for="(\w+)")?/g),
  ].filter(([, , it]) => (it ?? "") === choice)
    .map(([, path]) => path.replace(/^app\//, "").replace(/^poll-job/, "../poll-job"));

  /** The modules that this one needs at once. */
  const needs = (path) => {
    const found = new Set();
    const add = (module) => {
      for (const [, name] of sources.get(module).matchAll(/^(?:import|\}) .*"(\.[^"]+)";$/gm)) {
        const target = join(dirname(module), name);
        if (found.has(target)) continue;
        found.add(target);
        if (sources.has(target)) add(target);
      }
    };
    add(path);
    return [...found].map((target) => target.replace(/^..\/..\//, "../"));
  };

  test("names all modules that are needed before sign-in", () => {
    assert.deepEqual(preloaded(beforeSignIn).sort(), needs("main.js").sort());
    for (const language of ["en", "vi"]) {
      assert.deepEqual(preloaded(beforeSignIn, language), [`messages/${language}.js`]);
    }
    for (const mode of ["dev", "firebase"]) {
      const session = `session/${mode}-session.js`;
      const further = needs(session).filter((path) => !needs("main.js").includes(path))
        .map((path) => path.replace(/^\.\.\/vendor/, "vendor"));
      assert.deepEqual(preloaded(beforeSignIn, mode).sort(), [session, ...further].sort());
    }
  });

  test("names all modules that are needed after sign-in", () => {
    const known = needs("main.js");
    const further = needs("signed-in.js").filter((path) => !known.includes(path));
    const named = preloaded(afterSignIn).map((path) => path.replace(/^vendor/, "../vendor"));
    assert.deepEqual(named.sort(), ["signed-in.js", ...further].sort());
  });

  test("names all modules that are needed for reading", () => {
    const known = needs("signed-in.js");
    const further = needs("reader/reader.js").filter((path) => !known.includes(path));
    assert.deepEqual(preloaded(forReading).sort(), ["reader/reader.js", ...further].sort());
  });
});

describe("messages", () => {
  const app = [...sources].filter(([path]) => dirname(path) !== "messages")
    .map(([, text]) => text).join("\n");
  const sections = Object.keys(en).map((key) => key.split(".")[0]);
  const literals = new RegExp(`"((?:${sections.join("|")})\\.\\w+)"`, "g");

  test("that the app names exist", () => {
    const named = [...app.matchAll(literals)].map(([, key]) => key);
    assert.ok(named.length > 80);
    assert.deepEqual(named.filter((key) => !(key in en) && !(`${key}.other` in en)), []);
  });

  test("that exist are named by the app", () => {
    // These are put together, from a job's status, phase and error.
    const isComposed = (key) => /^(job|phase|failure)\./.test(key);
    const keys = Object.keys(en).map((key) => key.replace(/\.(one|other)$/, ""));
    assert.deepEqual(keys.filter((key) => !isComposed(key) && !app.includes(`"${key}"`)), []);
  });
});

test("no data becomes markup", () => {
  const unsafe = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function/;
  for (const [path, text] of sources) assert.doesNotMatch(text, unsafe, path);
});

test("lines have at most 100 columns", () => {
  const tests = readdirSync(HERE).map((name) => [name, readFileSync(join(HERE, name), "utf8")]);
  const wide = [...sources, ...tests].flatMap(([path, text]) => text.split("\n")
    .map((line, index) => (line.length > 100 ? `${path}:${index + 1}` : ""))
    .filter(Boolean));
  assert.deepEqual(wide, []);
});
