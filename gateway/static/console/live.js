/* Keeps what changes on a page fresh while anything on it is still open.
 *
 * An element with data-live names the address of the fresh parts; parts are the elements with data-live-cell, and those
 * with data-live-open are not at their end. With data-live-rows the address is asked for the rows whose parts begin with
 * that word. Nothing is asked while the page is hidden. */
(() => {
  "use strict";
  const EVERY = 2000;
  const SLOWEST = 30000;
  let wait = EVERY;
  let timer = null;
  let isAsking = false;

  const address = (source) => {
    const prefix = source.dataset.liveRows;
    if (prefix === undefined) return source.dataset.live;
    const ids = [...document.querySelectorAll(`[data-live-cell^="${prefix}"]`)];
    return `${source.dataset.live}?ids=${ids.map((cell) => cell.dataset.liveCell.slice(prefix.length)).join(",")}`;
  };

  const put = (fresh) => {
    const old = document.querySelector(`[data-live-cell="${CSS.escape(fresh.dataset.liveCell)}"]`);
    if (old === null || old.isEqualNode(fresh)) return;
    const box = old.querySelector("[data-live-scroll]");
    const [top, isAtEnd] = box ? [box.scrollTop, box.scrollTop + box.clientHeight >= box.scrollHeight - 4] : [0, false];
    old.replaceWith(fresh);
    const newBox = fresh.querySelector("[data-live-scroll]");
    if (newBox) newBox.scrollTop = isAtEnd || !box ? newBox.scrollHeight : top;
  };

  const look = async (source) => {
    timer = null;
    if (isAsking || document.hidden || document.querySelector("[data-live-open]") === null) return;
    isAsking = true;
    try {
      const answer = await fetch(address(source), { credentials: "same-origin", redirect: "manual" });
      // Logged out, or gone: the page stays as it was.
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      page.querySelectorAll("[data-live-cell]").forEach(put);
      wait = EVERY;
    } catch (error) {
      // The site is away for a moment: ask less often, and go on.
      console.warn(error);
      wait = Math.min(wait * 2, SLOWEST);
    } finally {
      isAsking = false;
    }
    timer = setTimeout(look, wait, source);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const source = document.querySelector("[data-live]");
    if (source === null) return;
    document.querySelectorAll("[data-live-scroll]").forEach((box) => { box.scrollTop = box.scrollHeight; });
    timer = setTimeout(look, EVERY, source);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && timer === null) look(source);
    });
  });
})();
