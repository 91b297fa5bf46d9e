/* Shows what a form would mean while it is being filled in: the form is sent to the address in data-preview, where
 * nothing is saved, and the answer is shown in that element. */
(() => {
  "use strict";
  const PAUSE = 400;

  document.addEventListener("DOMContentLoaded", () => {
    const panel = document.querySelector("[data-preview]");
    const form = panel?.closest("form");
    if (!form) return;
    let timer = null;
    let asked = 0;
    const ask = async () => {
      const mine = ++asked;
      try {
        const answer = await fetch(panel.dataset.preview, {
          method: "POST", body: new FormData(form), credentials: "same-origin", redirect: "manual",
        });
        // A later answer may have come before this one.
        if (answer.ok && mine === asked) panel.innerHTML = await answer.text();
      } catch (error) {
        console.warn(error);
      }
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
    form.addEventListener("change", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  });
})();
