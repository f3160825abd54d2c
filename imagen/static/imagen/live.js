"use strict";
// Follows one request: asks how it stands every second at first, then less often, and not while nobody looks.
(() => {
  const box = document.getElementById("imagen-live");
  if (!box || "settled" in box.dataset) return;
  const said = document.getElementById("imagen-said");
  let status = box.querySelector(".imagen-badge").textContent;
  let shown = "";
  let asked = 0;
  let timer = 0;
  let over = false;

  const pause = () => (asked <= 5 ? 1000 : asked <= 15 ? 2000 : 5000);
  // Every answer carries a new CSRF mark, which is no news.
  const plain = (html) => html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/, "");
  const mark = (element) => element.value || element.href;

  function show(news) {
    if (plain(news.html) !== shown) {
      const held = box.contains(document.activeElement) ? mark(document.activeElement) : null;
      shown = plain(news.html);
      box.innerHTML = news.html;
      if (held) [...box.querySelectorAll("button, a")].find((each) => mark(each) === held)?.focus();
    }
    if (news.status !== status) said.textContent = status = news.status;
  }

  async function look() {
    asked += 1;
    try {
      const answer = await fetch(box.dataset.url, { redirect: "error" });
      over = answer.status === 403 || answer.status === 404;
      if (answer.ok) {
        const news = await answer.json();
        show(news);
        over = news.finished;
      }
    } catch {
      // No answer just now, or signed out: what is shown stays, and we ask again.
    }
    next();
  }

  function next() {
    clearTimeout(timer);
    if (!over && !document.hidden) timer = setTimeout(look, pause());
  }

  document.addEventListener("visibilitychange", next);
  next();
})();
