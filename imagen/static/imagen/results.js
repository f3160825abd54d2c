"use strict";
// The right column of the Studio: follows a request, shows what came of it, and never takes the focus away.
(() => {
  const section = document.getElementById("imagen-results");
  if (!section) return;
  const REACHED = "button, a, input:not([type=hidden])";
  const opener = window.parent === window ? window.opener : window.parent;
  const live = Object.assign(document.createElement("p"), { id: "imagen-said", className: "imagen-unseen", role: "status" });
  live.setAttribute("aria-live", "polite");
  section.before(live);
  const unanswered = Object.assign(document.createElement("p"), { className: "imagen-notice imagen-wrong" }); // what was pressed
  const dismissed = new Set();
  let current = null; // the picture that is in the form now
  let shown = "";
  let [asked, timer, turn] = [0, 0, 0];

  const root = () => section.querySelector(".imagen-run");
  const choices = () => [...section.querySelectorAll("[name=imagen-choice]")];
  const pause = () => (asked <= 5 ? 1000 : asked <= 15 ? 2000 : 5000);
  // Every answer carries new CSRF marks, which are no news.
  const plain = (html) => html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");

  const call = window.imagenCall;

  // --- showing ---

  function decorate() {
    for (const image of section.querySelectorAll("[data-focal]")) {
      const [x, y] = image.dataset.focal.split(" ");
      image.style.objectPosition = `${x}% ${y}%`;
    }
    for (const note of section.querySelectorAll("[data-passing]")) note.hidden = dismissed.has(note.dataset.passing);
    for (const note of section.querySelectorAll("[data-after]")) note.hidden = !dismissed.has(note.dataset.after);
    if (unanswered.textContent) root().prepend(unanswered);
    const tile = section.querySelector("[data-current]");
    if (!tile || !current) return;
    Object.assign(tile.querySelector("img"), { src: current.url, alt: current.alt || "" });
    tile.hidden = false;
  }

  function hold() {
    const at = document.activeElement;
    if (!section.contains(at)) return () => {};
    const tile = [...section.querySelectorAll(".imagen-tile")].indexOf(at.closest(".imagen-tile"));
    const mark = (each) => each.dataset.key || each.value || each.id;
    const known = mark(at);
    return () => {
      const near = section.querySelectorAll(".imagen-tile")[tile]?.querySelector(REACHED);
      const same = [...section.querySelectorAll(REACHED)].find((each) => known && mark(each) === known);
      (same || near || heading()).focus();
    };
  }

  function heading() {
    const found = section.querySelector("h2");
    found.tabIndex = -1;
    return found;
  }

  function show(news) {
    if (section.matches(":active")) return void setTimeout(show, 150, news); // somebody is pressing a button
    if (news.said && news.said !== live.textContent) live.textContent = news.said;
    if (plain(news.html) === shown) return;
    const giveBack = hold();
    const chosen = choices().find((each) => each.checked)?.value;
    shown = plain(news.html);
    section.innerHTML = news.html;
    choices().filter((each) => each.value === chosen).forEach((each) => { each.checked = true; });
    decorate();
    giveBack();
  }

  function complain({ html, said }) {
    answered();
    live.textContent = said;
    root()?.insertAdjacentHTML("afterbegin", html);
    shown = "";
  }

  // It stays, whatever is shown meanwhile, until something pressed is answered.
  function away() {
    live.textContent = unanswered.textContent = root().dataset.away;
    decorate();
    unanswered.scrollIntoView({ block: "nearest" });
  }

  function answered() {
    unanswered.textContent = "";
    unanswered.remove();
  }

  // --- following ---

  // Who closed the dialog has not seen what comes: it stays news until they open it again.
  const unseen = () => document.hidden || Boolean(window.frameElement?.closest("dialog:not([open])"));

  async function look() {
    if (unseen()) return;
    const mine = ++turn;
    asked += 1;
    let over = false;
    try {
      const { status, news } = await call(root().dataset.url);
      if (mine !== turn) return;
      over = news.finished;
      if (status < 400) show(news);
      else complain(news);
    } catch {
      // No answer just now, or signed out: what is shown stays, and we ask again.
    }
    if (!over && mine === turn) next();
  }

  function next() {
    clearTimeout(timer);
    const run = root();
    if (!run?.dataset.url || unseen()) return;
    if ("brief" in run.dataset) timer = setTimeout(look); // the page leaves the rest to us
    else if (!("finished" in run.dataset)) timer = setTimeout(look, pause());
  }

  function follow(news) {
    answered();
    turn += 1;
    asked = 0;
    show(news);
    next();
  }

  async function act(address, options, then = () => {}) {
    try {
      const { status, news } = await call(address, options);
      if (!news.run) return complain(news);
      follow(news);
      if (status < 400) then(news);
    } catch {
      away();
    }
  }

  const leaf = (state, page) => act(state, {}, () => history.replaceState(null, "", page));

  // --- what people do ---

  function enlarge(radio) {
    const dialog = Object.assign(document.createElement("dialog"), { className: "imagen-large-view" });
    const small = radio.closest(".imagen-tile").querySelector("img");
    const image = Object.assign(document.createElement("img"), { src: radio.dataset.large, alt: small.alt });
    const close = Object.assign(document.createElement("button"), { className: "button", textContent: root().dataset.close, autofocus: true });
    close.type = "button";
    const buttons = Object.assign(document.createElement("div"), { className: "imagen-buttons" });
    const ways = [...radio.closest(".imagen-tile").querySelectorAll("[data-place]")].map((link) => taking(link, dialog));
    buttons.append(...ways, close);
    dialog.setAttribute("aria-label", small.alt);
    dialog.append(image, buttons);
    dialog.addEventListener("keydown", (event) => event.stopPropagation()); // Escape closes this, and not all around it
    dialog.addEventListener("close", () => {
      dialog.remove();
      choices().find((each) => each.value === radio.value)?.focus(); // it may have been drawn again meanwhile
    });
    close.addEventListener("click", () => dialog.close());
    document.body.append(dialog);
    dialog.showModal();
  }

  // The same way as below the small picture, which may have been drawn again meanwhile.
  function taking(link, dialog) {
    const button = Object.assign(document.createElement("button"), { className: link.className, textContent: link.textContent });
    button.type = "button";
    button.addEventListener("click", () => {
      dialog.close();
      [...section.querySelectorAll("[data-place]")].find((each) => each.href === link.href)?.click();
    });
    return button;
  }

  function dismiss(button) {
    dismissed.add(button.closest("[data-passing]").dataset.passing);
    decorate();
    (button.dataset.dismiss === "own" && document.querySelector("textarea[name=prompt]") || heading()).focus();
  }

  // Asked beside the form, whose words stay: the answer takes the button's place.
  async function tell(form, button) {
    const { news } = await call(form.action, { method: "POST", body: () => new FormData(form) }).catch(() => ({ news: {} }));
    const said = Object.assign(document.createElement("span"), { textContent: news.said ?? root().dataset.away, tabIndex: -1 });
    button.nextElementSibling?.remove(); // what was said the last time
    button.after(said);
    if (news.said) button.remove();
    said.focus();
  }

  document.addEventListener("submit", (event) => {
    if (!("act" in event.target.dataset)) return;
    event.preventDefault();
    const { action, dataset } = event.target;
    if (dataset.act === "tell") return void tell(event.target, event.submitter);
    const done = () => {
      document.dispatchEvent(new Event("imagen:done"));
      if (event.submitter.dataset.dismiss) dismiss(event.submitter);
      if (dataset.act === "leave") document.dispatchEvent(new CustomEvent("imagen:leave"));
    };
    act(action, { method: "POST", body: () => new FormData(event.target, event.submitter) }, done);
  });

  section.addEventListener("click", (event) => {
    const at = event.target.closest("a, button, img");
    if (!at || event.ctrlKey || event.metaKey) return;
    if (at.dataset.dismiss && !at.form) dismiss(at);
    if (at.dataset.leaf) { event.preventDefault(); leaf(at.dataset.leaf, at.href); }
    if (at.dataset.fill) {
      event.preventDefault();
      const detail = { ...JSON.parse(root().dataset.asked || "{}"), ...JSON.parse(at.dataset.fill) };
      document.dispatchEvent(new CustomEvent("imagen:reuse", { detail }));
    }
    const radio = at.matches(".imagen-choice img") && at.closest("label").querySelector("input");
    if (radio && radio.checked) enlarge(radio);
  });

  section.addEventListener("keydown", (event) => {
    if (event.target.name !== "imagen-choice" || event.ctrlKey || event.metaKey || event.altKey) return;
    const numbered = choices().find((each) => each.dataset.number === event.key);
    if (numbered) { numbered.checked = true; numbered.focus(); }
    if (event.key === "Enter") { event.preventDefault(); enlarge(event.target); }
  });

  document.addEventListener("imagen:asked", ({ detail }) => {
    dismissed.clear();
    follow(detail);
    const here = new URL(location.href);
    here.searchParams.set("run", detail.run);
    history.replaceState(null, "", here);
    const { top } = section.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) section.scrollIntoView(); // beside a long form, or below it on a narrow screen
  });
  document.addEventListener("imagen:show", async ({ detail }) => {
    await leaf(detail.state, detail.page);
    heading().focus();
  });
  document.addEventListener("imagen:news", ({ detail }) => (detail.run ? follow(detail) : complain(detail)));
  document.addEventListener("imagen:unanswered", away);
  document.addEventListener("visibilitychange", next);
  window.addEventListener("message", ({ data, origin, source }) => {
    if (origin !== location.origin || source !== opener || data?.type !== "imagen:form") return;
    current = data.current;
    decorate();
    next();
  });
  decorate();
  next();
})();
