/**
 * Says so if the app cannot be started, and starts it again: once by itself as soon as the server
 * responds, and when the browser is online again or the user says so.
 *
 * The server writes this script into index.html, because it has to work if no other file comes. The
 * whole page is loaded again, because Firefox never asks again for a module that could not be
 * loaded.
 */

(() => {
  const PAUSE_MS = 3000;
  const [navigation] = performance.getEntriesByType("navigation");
  const isReloaded = /** @type {PerformanceNavigationTiming | undefined} */ (navigation)?.type
    === "reload";
  const reload = () => location.reload();

  /** @param {string} [message]  Why the app cannot be started, if not because of the network. */
  function show(message) {
    document.body.dataset.view = "unavailable";
    for (const view of document.querySelectorAll("#main > *")) {
      view.toggleAttribute("hidden", view.id !== "unavailable");
    }
    const [title, text] = ["#unavailable-title", "#unavailable-text"].map(
      (selector) => /** @type {HTMLElement} */ (document.querySelector(selector)));
    if (message) text.textContent = message;
    document.title = `${title.textContent} · WordAI Books`;
    document.querySelector("#unavailable-retry")?.addEventListener("click", reload);
    addEventListener("online", reload);
    if (!message && !isReloaded) reloadSoon();
  }

  async function reloadSoon() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const response = await fetch("/health", {cache: "no-store"}).catch(() => null);
      if (response?.ok) return reload();
    }
  }

  // Modules that cannot be loaded, and errors while they start.
  addEventListener("error", ({target}) => {
    const isOfApp = target === window || target instanceof HTMLScriptElement;
    if (isOfApp && !document.body.dataset.view) show();
  }, true);
  // From the app's own modules.
  addEventListener("unavailable", (event) => {
    const {error} = /** @type {ErrorEvent} */ (event);
    show(error instanceof TypeError ? "" : error.message);
  });
})();
