import assert from "node:assert/strict";
import {describe, test} from "node:test";

import {
  findPages, markedParts, normalize,
} from "../../wordai_jobs/static/app/reader/find-pages.js";
import {flow, TextSizes} from "../../wordai_jobs/static/app/reader/flow.js";
import {imageUrls} from "../../wordai_jobs/static/app/reader/image-size.js";
import {languageOf} from "../../wordai_jobs/static/app/reader/language.js";
import {linesOf} from "../../wordai_jobs/static/app/reader/lines.js";
import {LoadQueue} from "../../wordai_jobs/static/app/reader/load-queue.js";
import {Positions} from "../../wordai_jobs/static/app/reader/positions.js";
import {RunningLines} from "../../wordai_jobs/static/app/reader/running-lines.js";

/** A word of letters that are 10 pixels wide, in a line of 12. */
const at = (x, y, word) => [x, y, x + 10 * word.length, y + 12, word];
const texts = (lines) => lines.map(({words}) => words.map((word) => word[4]).join(" "));

describe("lines", () => {
  test("run to the right at the same height", () => {
    const words = [
      at(0, 0, "one"), at(40, 1, "two"),
      at(0, 20, "three"), at(300, 20, "four"),
      at(0, 20.5, "left"),
    ];
    assert.deepEqual(texts(linesOf(words)), ["one two", "three four", "left"]);
    assert.deepEqual(linesOf([]), []);
  });

  test("run to the left in Arabic and Hebrew, whatever is between the words", () => {
    const words = [at(200, 0, "حبيبي"), at(160, 0, "12"), at(130, 0, "يا"), at(200, 20, "حب")];
    const lines = linesOf(words);
    assert.deepEqual(texts(lines), ["حبيبي 12 يا", "حب"]);
    assert.deepEqual(lines.map(({writing}) => writing), ["rtl", "rtl"]);
  });

  test("run down in vertical writing, and down or up on pages that are turned", () => {
    const down = (x, y, word) => [x, y, x + 12, y + 10 * word.length, word];
    assert.deepEqual(
      linesOf([down(100, 0, "縦書きの本"), down(80, 0, "次の行")]).map(({writing}) => writing),
      ["down", "down"]);
    const [turned] = linesOf([down(50, 0, "turned"), down(50, 65, "it"), down(50, 90, "pages")]);
    assert.deepEqual([texts([turned]), turned.writing], [["turned it pages"], "down"]);
    const [up] = linesOf([down(50, 90, "turned"), down(50, 60, "it"), down(50, 0, "pages")]);
    assert.deepEqual([texts([up]), up.writing], [["turned it pages"], "up"]);
  });

  test("with short, slender words are not vertical", () => {
    assert.deepEqual(linesOf([[0, 0, 5, 12, "ll"], [9, 0, 12, 12, "I"]]).map(
      ({writing}) => writing), ["ltr"]);
  });
});

describe("flowing text", () => {
  const line = (y, text, {x = 0, height = 12} = {}) => {
    let left = x;
    return text.split(" ").map((word) => {
      const width = [...word].reduce((sum, letter) => sum + 8 + letter.charCodeAt(0) % 5, 0);
      const found = [left, y, left + width, y + height, word];
      left += width + 10;
      return found;
    });
  };
  const shown = (words) => {
    const sizes = new TextSizes();
    sizes.add(words);
    return flow(words, sizes.usual).map(({level, pieces}) => (
      [level, pieces.map(({text}) => text).join("")]));
  };

  test("has headings whose letters are larger, and paragraphs", () => {
    const words = [
      ...line(0, "Chapter one", {height: 24}),
      ...line(40, "A first paragraph that is hyphen-"),
      ...line(53, "ated and goes on here."),
      ...line(66, "Another one, indented, which ends", {x: 20}),
      ...line(79, "here."),
      ...line(120, "A section", {height: 15}),
      ...line(140, "• An item of a list"),
      ...line(153, "\u0088 Another item, which goes"),
      ...line(166, "on in a line that is not", {x: 20}),
      ...line(179, "the last one.", {x: 20}),
    ];
    assert.deepEqual(shown(words), [
      [2, "Chapter one"], [0, "A first paragraph that is hyphenated and goes on here."],
      [0, "Another one, indented, which ends here."], [3, "A section"],
      [0, "• An item of a list"],
      [0, "• Another item, which goes on in a line that is not the last one."],
    ]);
  });

  test("keeps the lines of code, whose letters all have the same width", () => {
    const code = (y, text) => [...text.matchAll(/\S+/g)].map(({0: word, index}) => (
      [30 + index * 9, y, 30 + (index + word.length) * 9, y + 12, word]));
    const words = [
      ...line(0, "The loop counts"), ...line(13, "from one to ten:"),
      ...code(26, "for number in range(1, 11):"), ...code(39, "    print(number)"),
      ...code(65, "print(\"done\")"),
      ...line(78, "It ends soon."),
    ];
    assert.deepEqual(shown(words), [
      [0, "The loop counts from one to ten:"],
      [0, "for number in range(1, 11):\n    print(number)\n\nprint(\"done\")"],
      [0, "It ends soon."],
    ]);
  });

  test("leaves out what stands at the edge of pages and goes on like their numbers", () => {
    const page = (head, foot) => [
      ...line(0, head), ...line(40, "The text of a page which"), ...line(53, "has two lines."),
      ...line(90, foot),
    ];
    const pages = [
      page("Physics 12", "vi"), page("Chapter 2. Motion 13", "vii"), page("Physics 14", "viii"),
      page("Table 7 is here", "ix"), page("Table 9 is here", "x"),
    ];
    const running = new RunningLines();
    pages.forEach((words, index) => running.add(index + 1, words.at(-1)[4], words));
    const leftOut = pages.map((words, index) => {
      const found = running.of(index + 1);
      return words.filter((word) => found.has(word)).map((word) => word[4]).join(" ");
    });
    assert.deepEqual(leftOut, ["Physics 12 vi", "vii", "Physics 14 viii", "ix", "x"]);
  });

  test("has a line for each entry of a table of contents, with fewer dots", () => {
    const words = [...line(0, "1 First . . . . . 7"), ...line(13, "2 Second . . . . 12")];
    assert.deepEqual(shown(words), [[0, "1 First . 7"], [0, "2 Second . 12"]]);
  });

  test("has no blanks between Chinese words and keeps a word's own hyphen", () => {
    assert.deepEqual(shown([...line(0, "中文"), ...line(13, "文字")]), [[0, "中文文字"]]);
    assert.deepEqual(shown([...line(0, "state-of-"), ...line(13, "the art")]),
      [[0, "state-of-the art"]]);
  });
});

test("the language is guessed from letters and usual words", () => {
  const cases = {
    vi: "Trường Đại học Bách khoa Hà Nội là một trường đại học kỹ thuật hàng đầu",
    en: "This is the first of the chapters, and it is a short one for the reader",
    de: "Das ist der erste Teil und die Leser sind nicht auf ihn angewiesen",
    ja: "これは日本語の文章です", zh: "这是中文的文字", ar: "يا حبيبي", he: "שלום עולם",
  };
  for (const [language, text] of Object.entries(cases)) assert.equal(languageOf(text), language);
  assert.equal(languageOf("12 34 …"), "");
  assert.equal(languageOf("Xyzzy plugh"), "");
});

test("images are as large as the screen can show, and small on slow networks", () => {
  const info = {url: "/i?s=1", width: 1240, height: 1754};
  assert.deepEqual(imageUrls(info, 500, false), {first: "/i?s=1&dpi=75", sharp: null});
  assert.deepEqual(imageUrls(info, 1200, false), {first: "/i?s=1", sharp: null});
  assert.deepEqual(imageUrls(info, 1800, false), {first: "/i?s=1", sharp: "/i?s=1&dpi=300"});
  assert.deepEqual(imageUrls(info, 1080, true), {first: "/i?s=1&dpi=75", sharp: null});
  assert.deepEqual(imageUrls(info, 3000, true), {first: "/i?s=1", sharp: null});
});

describe("a search", () => {
  test("asks for one slice after the other, up to a limit", async () => {
    const asked = [];
    const get = async (path) => {
      asked.push(path);
      const hits = Array.from({length: 100}, () => ({}));
      return {hits, next_cursor: asked.length < 3 ? "next" : null};
    };
    const {signal} = new AbortController();
    const sizes = [];
    for await (const hits of findPages({get}, "a b", {bookId: "b"}, signal)) {
      sizes.push(hits.length);
    }
    assert.deepEqual(sizes, [100, 100, 100]);
    assert.equal(asked[0], "/api/v1/search?q=a+b&limit=100&book_id=b");
    assert.equal(asked[1], "/api/v1/search?q=a+b&limit=100&book_id=b&cursor=next");
  });

  test("marks the words in an excerpt, whatever their case and accents", () => {
    assert.deepEqual(markedParts("Trường ĐẠI học, Café", "dai truong"),
      ["", "Trường", " ", "ĐẠI", " học, Café"]);
    assert.deepEqual(markedParts("の本を読む", "本"), ["", "の本を読む"]);
    assert.deepEqual(markedParts("nothing here", "?!"), ["nothing here"]);
  });

  test("compares without accents", () => {
    assert.equal(normalize("  Nguyễn\n Đình  THI "), "nguyen dinh thi");
    assert.equal(normalize("Ångström"), "angstrom");
  });
});

describe("loads", () => {
  /** Runs loads that end when they are told to. */
  const setUp = () => {
    const queue = new LoadQueue();
    const [started, aborted, ends] = [[], [], new Map()];
    const add = (kind, page) => queue.add({kind, page, run: (signal) => {
      const name = `${kind} ${page}`;
      started.push(name);
      signal.addEventListener("abort", () => aborted.push(name));
      return new Promise((resolve) => ends.set(name, resolve));
    }});
    const settle = () => new Promise(setImmediate);
    return {queue, started, aborted, ends, add, settle};
  };

  test("begin with the current page alone, then images near it, then texts", async () => {
    const {queue, started, ends, add, settle} = setUp();
    queue.current = 5;
    for (const page of [3, 4, 5, 6]) {
      add("text", page);
      add("image", page);
    }
    await settle();
    assert.deepEqual(started, ["image 5"]);
    ends.get("image 5")();
    await settle();
    assert.deepEqual(started, ["image 5", "image 6", "image 4", "image 3", "text 5"]);
  });

  test("of pages that are scrolled past are ended", async () => {
    const {queue, started, aborted, add, settle} = setUp();
    add("image", 1);
    await settle();
    queue.current = 9;
    queue.remove("image", 1);
    add("image", 8);
    add("image", 9);
    await settle();
    assert.deepEqual(aborted, ["image 1"]);
    assert.deepEqual(started, ["image 1", "image 9"]);
  });
});

describe("the position", () => {
  const kept = new Map();
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  const ids = {bookId: "b", chapterId: "c"};

  test("is kept at once; the server's counts once it knows the browser's", async () => {
    const sent = [];
    const positions = new Positions({put: async (...request) => { sent.push(request); }});
    assert.equal(positions.find("c", undefined), 1);
    assert.equal(positions.find("c", 7), 7);
    positions.keep(ids, 36);
    assert.equal(positions.find("c", 7), 36);
    assert.deepEqual(sent, []);
    await positions.send();
    assert.deepEqual(sent, [["/api/v1/books/b/chapters/c/position", {page_number: 36}]]);
    assert.equal(positions.find("c", 40), 40);
  });

  test("that could not be sent is not lost", async () => {
    const positions = new Positions({put: async () => { throw new Error("away"); }});
    positions.keep(ids, 50);
    await positions.send();
    assert.equal(new Positions({}).find("c", 40), 50);
  });
});
