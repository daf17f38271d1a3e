/** Guesses the language of a text, so that it is read aloud and hyphenated as such. */

/** Scripts that tell a language; kana come before the Chinese characters that both have. */
const SCRIPTS = /** @type {const} */ ([
  ["ja", /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ["ko", /\p{Script=Hangul}/gu],
  ["zh", /\p{Script=Han}/gu],
  ["ar", /\p{Script=Arabic}/gu],
  ["he", /\p{Script=Hebrew}/gu],
  ["ru", /\p{Script=Cyrillic}/gu],
  ["el", /\p{Script=Greek}/gu],
  ["th", /\p{Script=Thai}/gu],
  ["hi", /\p{Script=Devanagari}/gu],
]);
const VIETNAMESE = /[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]/giu;
const USUAL_WORDS = {
  en: "the of and to in is that it for with as are this be on by",
  fr: "le la les des et est une dans que pour qui sur pas au avec du",
  de: "der die und das ist den ein eine nicht mit von zu auf für dem im",
  es: "el los las y del que una por con para es se como al lo su",
  it: "il che di e è per una con del della non sono alla gli le nel",
  pt: "o os que e do da em um uma para com não dos as no na",
};
/** More letters tell nothing new. */
const LETTERS_READ = 4000;

/**
 * @param {string} text
 * @returns {string}  A language tag; empty if nothing speaks for one.
 */
export function languageOf(text) {
  const sample = text.slice(0, LETTERS_READ).normalize("NFC");
  const letters = count(sample, /\p{L}/gu);
  if (!letters) return "";
  const script = SCRIPTS.find(([, pattern]) => count(sample, pattern) > letters * 0.2);
  if (script) return script[0];
  if (count(sample, VIETNAMESE) > letters * 0.08) return "vi";
  const words = sample.toLowerCase().match(/\p{L}+/gu) ?? [];
  const [best] = Object.entries(USUAL_WORDS)
    .map(([language, usual]) => ({language, hits: hitsIn(words, usual.split(" "))}))
    .sort((one, other) => other.hits - one.hits);
  return best.hits > words.length * 0.06 ? best.language : "";
}

/**
 * @param {string} text
 * @param {RegExp} pattern
 */
function count(text, pattern) {
  return text.match(pattern)?.length ?? 0;
}

/**
 * @param {string[]} words
 * @param {string[]} usual
 */
function hitsIn(words, usual) {
  return words.filter((word) => usual.includes(word)).length;
}
