/** Prints the chapter, one page a sheet. */

import {byId, element} from "../shared/dom.js";
import {concurrently} from "../shared/concurrency.js";

const IMAGES_AT_ONCE = 4;

/**
 * Loads all images, since a browser prints only what is there.
 *
 * @param {import("./page-source.js").PageSource} source
 * @param {(done: number, total: number) => void} onProgress
 */
export async function printChapter(source, onProgress) {
  const sheets = byId("print-sheets");
  const infos = [...source.pages].sort(([one], [other]) => one - other).map(([, info]) => info);
  const images = infos.map(({url}) => {
    const image = element("img");
    image.alt = "";
    return {image, url};
  });
  sheets.replaceChildren(...images.map(({image}) => image));
  try {
    let done = 0;
    await concurrently(images, IMAGES_AT_ONCE, async ({image, url}) => {
      source.signal.throwIfAborted();
      image.src = url;
      await image.decode();
      onProgress(++done, images.length);
    });
    print(); // returns when the dialog has been closed
  } finally {
    sheets.replaceChildren();
  }
}
