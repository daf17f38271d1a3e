/** Which size of a page's image is loaded. */

/** The service renders these as well as the stored image. */
const [SMALL_DPI, STORED_DPI, LARGE_DPI] = [75, 150, 300];
/** An image may be stretched by this much before a larger one is loaded. */
const TOLERANCE = 1.15;

/**
 * The URL of the image to start with, and of a sharper one, if that makes a difference.
 *
 * @param {import("./page-source.js").PageInfo} info
 * @param {number} shownWidth  In pixels of the screen.
 * @param {boolean} isSlow  Whether the network is: half the pixels are enough then.
 * @returns {{first: string, sharp: string | null}}
 */
export function imageUrls({url, width}, shownWidth, isSlow) {
  const wanted = isSlow ? shownWidth / 2 : shownWidth;
  const isSmallEnough = wanted <= width * (SMALL_DPI / STORED_DPI) * TOLERANCE;
  if (isSmallEnough) return {first: sized(url, SMALL_DPI), sharp: null};
  const isTooSmall = !isSlow && wanted > width * TOLERANCE;
  return {first: url, sharp: isTooSmall ? sized(url, LARGE_DPI) : null};
}

/** Whether the browser says that its network is slow or metered. */
export function isNetworkSlow() {
  const {connection} = /** @type {{connection?: {saveData: boolean, effectiveType: string}}} */ (
    navigator);
  return Boolean(connection && (connection.saveData || connection.effectiveType !== "4g"));
}

/**
 * @param {string} url
 * @param {number} dpi
 */
function sized(url, dpi) {
  return `${url}&dpi=${dpi}`;
}
