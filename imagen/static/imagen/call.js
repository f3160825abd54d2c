"use strict";
// How the Studio's scripts ask the server. When the session has ended they wait until somebody logged in again.
(() => {
  const host = document.querySelector("[data-quote]"); // the form of the Studio, or the page of one picture
  if (!host) return;
  const PATIENCE = 15_000; // milliseconds
  const opener = window.parent === window ? window.opener : window.parent;
  let back = null; // what everybody waits for

  const send = (address, { body, ...options } = {}) => fetch(address, {
    headers: { Accept: "application/json" },
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
    body: body?.(),
    ...options,
  });

  async function read(answer) {
    const spoken = answer.headers.get("Content-Type")?.startsWith("application/json");
    if (!spoken && answer.status !== 403) throw new Error("no answer of ours");
    return spoken ? answer.json() : { csrf: "" }; // who logged in meanwhile has another mark, and Django's own page says so
  }

  // --- coming back

  function renew(csrf) {
    for (const each of document.querySelectorAll("[name=csrfmiddlewaretoken]")) each.value = csrf;
    opener?.postMessage({ type: "imagen:csrf", csrf }, location.origin);
  }

  async function mark() {
    const news = await read(await send(host.dataset.quote));
    if (news.csrf) renew(news.csrf);
    return news;
  }

  function show(box, html, done) {
    box.innerHTML = html;
    box.scrollIntoView({ block: "nearest" });
    box.querySelector("[data-again]").addEventListener("click", async () => {
      const news = await mark().catch(() => ({ html }));
      if (news.csrf) return done();
      show(box, news.html, done); // said once more
      box.querySelector("[data-again]").focus();
    });
  }

  function wait(html) {
    const at = document.activeElement;
    const box = document.createElement("div");
    (host.closest(".imagen-studio") ?? host).before(box);
    return new Promise((resolve) => {
      show(box, html, () => {
        const here = box.contains(document.activeElement);
        box.remove();
        back = null;
        const first = document.querySelector("#imagen-form [name=prompt], .imagen-place [name=alt_text]");
        if (here) (at.isConnected && at !== document.body ? at : first).focus();
        resolve();
      });
    });
  }

  // ``body`` is a function: what is sent after a while is what the form says then. ``quiet`` does not wait.
  window.imagenCall = async (address, { quiet, ...options } = {}) => {
    for (let renewed = false; ;) {
      const answer = await send(address, options);
      let news = await read(answer);
      if (news.csrf === "") {
        if (renewed) throw new Error("refused");
        renewed = true;
        news = await mark();
      } else if (!news.out) {
        return { status: answer.status, news };
      }
      if (!news.out) continue;
      back ??= wait(news.html);
      if (quiet) throw new Error("logged out");
      await back;
    }
  };
})();
