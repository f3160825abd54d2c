"use strict";
// The panel before a picture goes into a form: focal point, what is still missing, and the way over to the form.
(() => {
  const section = document.getElementById("imagen-results");
  const opener = window.parent === window ? window.opener : window.parent;
  const inPopup = window.parent === window && Boolean(window.opener);
  const alone = section ? null : document.querySelector("[data-quote]"); // a page of its own: clicked before we ran
  const panel = alone ?? document.createElement("div");
  section?.after(panel);
  const kept = new Map(); // forms that were left with words in them, by the page of their picture
  let from = null; // the link that opened it
  let pause = 0; // before what moved is measured
  let guessed = false; // what it is for was chosen by us; kept when the server sends the form again

  function close(news) {
    panel.replaceChildren();
    section.hidden = false;
    if (news) document.dispatchEvent(new CustomEvent("imagen:news", { detail: news }));
    const link = [...section.querySelectorAll("[data-place]")].find((each) => each.dataset.key === from.dataset.key);
    (link ?? Object.assign(section.querySelector("h2"), { tabIndex: -1 })).focus();
  }

  function fill(html) {
    panel.innerHTML = html;
    prepare(panel.querySelector("form"));
    enter();
  }

  function enter() {
    if (section) section.hidden = true;
    begin(panel.querySelector("form"));
  }

  function begin(form) {
    const wrong = form.querySelector(".errorlist")?.parentElement.querySelector("input, textarea");
    (wrong || form.elements.alt_text).focus({ preventScroll: true });
    show();
  }

  // All of it where that fits, else from its top; and always where somebody writes.
  function show() {
    panel.scrollIntoView({ block: "nearest" });
    if (panel.getBoundingClientRect().height > innerHeight) panel.scrollIntoView();
    if (panel.contains(document.activeElement)) document.activeElement.scrollIntoView({ block: "nearest" });
  }

  async function open(link) {
    from = link;
    if (kept.has(link.pathname)) return again(link, kept.get(link.pathname));
    try {
      const { status, news } = await window.imagenCall(link.href);
      guessed = false;
      if (status < 400) fill(news.html);
      else close(news);
    } catch {
      document.dispatchEvent(new Event("imagen:unanswered"));
    }
  }

  function again(link, before) {
    guessed = before.guessed;
    panel.replaceChildren(before.form);
    const crop = new URL(link).searchParams.get("crop");
    for (const each of before.form.querySelectorAll("[name=crop]")) each.checked = crop === null ? each.checked : each.value === crop;
    before.form.dispatchEvent(new Event("input"));
    enter();
  }

  // --- the form ---

  // What is said of the words over it holds for one cut: it goes when that moves, and is asked for again after a pause.
  function measure(form) {
    const said = form.querySelector("[data-measured]");
    const cut = new URLSearchParams(["focal_x", "focal_y", "crop"].map((name) => [name, form.elements[name]?.value]));
    if (!said || said.dataset.cut === String(cut)) return;
    said.dataset.cut = cut;
    said.replaceChildren();
    clearTimeout(pause);
    pause = setTimeout(async () => {
      const { news } = await window.imagenCall(`${said.dataset.measured}&${cut}`).catch(() => ({ news: {} }));
      if (said.dataset.cut === String(cut)) said.innerHTML = news.html ?? "";
    }, 400);
  }

  function aim(form) {
    measure(form);
    const [x, y] = [form.elements.focal_x.value, form.elements.focal_y.value];
    const mark = form.querySelector(".imagen-mark");
    mark.hidden = false;
    mark.style.left = `${x}%`;
    mark.style.top = `${y}%`;
    for (const image of form.querySelectorAll("[data-focal]")) image.style.objectPosition = `${x}% ${y}%`;
  }

  function point(form, event) {
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    form.elements.focal_x.value = Math.round(((event.clientX - left) / width) * 100);
    form.elements.focal_y.value = Math.round(((event.clientY - top) / height) * 100);
    aim(form);
  }

  function missing(form) {
    if (!("missingAlt" in form.dataset)) return null;
    const meaning = form.elements.meaning?.value ?? "informative"; // not asked where the words are the picture's own
    if (!meaning) return { text: form.dataset.missingMeaning, at: form.elements.meaning[0] };
    const silent = meaning === "decorative" || form.elements.alt_text.value.trim();
    return silent ? unanswered(form.elements) : { text: form.dataset.missingAlt, at: form.elements.alt_text };
  }

  // Where the site asks whether it could be taken for real.
  function unanswered({ disclosure, reason }) {
    if (!disclosure) return null;
    const { missingAnswer, missingReason } = disclosure[0].closest("fieldset").dataset;
    if (!disclosure.value) return { text: missingAnswer, at: disclosure[0] };
    return disclosure.value === "no" && !reason.value.trim() ? { text: missingReason, at: reason } : null;
  }

  // Who writes what the picture shows has said that it shows something; without words that falls again.
  function guess(form) {
    const { alt_text: alt, meaning } = form.elements;
    const informs = Boolean(alt.value.trim());
    if (!meaning || (guessed ? informs : meaning.value || !informs)) return;
    guessed = informs;
    const radio = form.querySelector("[name=meaning][value=informative]");
    radio.checked = informs;
    const said = informs ? [radio.closest("fieldset").querySelector("legend"), radio.parentElement] : [];
    form.querySelector(".imagen-guess").textContent = said.map((each) => each.textContent.trim()).join(" ");
  }

  function decide(form, { target }) {
    if (target.name !== "meaning") return;
    guessed = false;
    form.querySelector(".imagen-guess").textContent = "";
  }

  function review(form) {
    const { alt_text: alt, meaning } = form.elements;
    form.querySelector(".imagen-count").textContent = `${alt.value.length} / ${alt.dataset.advised}`;
    form.querySelector(".imagen-count").classList.toggle("imagen-over", alt.value.length > alt.dataset.advised);
    alt.readOnly = meaning?.value === "decorative";
    const lacks = missing(form);
    form.querySelector("[type=submit]").setAttribute("aria-disabled", String(Boolean(lacks)));
    form.querySelector(".imagen-missing").textContent = lacks?.text || "";
  }

  async function send(form) {
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    try {
      const { status, news } = await window.imagenCall(form.action, { method: "POST", body: () => new FormData(form) });
      if (from) kept.delete(from.pathname);
      if (news.pick && (opener || !news.run)) handOver(news);
      else if (status === 422) fill(news.html);
      else if (alone) form.querySelector(".imagen-missing").textContent = news.said;
      else close(news);
    } catch {
      form.querySelector(".imagen-missing").textContent = (alone ?? section.querySelector(".imagen-run")).dataset.away;
    }
    delete form.dataset.busy;
  }

  function handOver(picked) {
    opener?.postMessage({ type: "imagen:picked", ...picked }, location.origin);
    if (inPopup) window.close();
    else if (section) close();
  }

  function prepare(form) {
    const update = () => { aim(form); review(form); };
    form.addEventListener("input", (event) => {
      if (event.target.name === "alt_text") guess(form);
      update();
    });
    form.addEventListener("click", (event) => decide(form, event)); // it comes for a radio that is on already as well
    const picture = form.querySelector(".imagen-aim img");
    picture.parentElement.style.setProperty("--imagen-wide", picture.getAttribute("width") / picture.getAttribute("height"));
    picture.addEventListener("click", (event) => point(form, event));
    form.addEventListener("submit", (event) => {
      const lacks = missing(form);
      if (lacks) { event.preventDefault(); return lacks.at.focus(); }
      if (alone && !(opener && "missingMeaning" in form.dataset)) return; // nobody to hand it to
      if ("object" in form.dataset && inPopup) return; // Django's own page closes the window
      event.preventDefault();
      send(form);
    });
    form.querySelector("[data-back]").addEventListener("click", (event) => {
      if (!section) return;
      event.preventDefault();
      back();
    });
    const { alt_text: alt } = form.elements;
    if (alt.value !== alt.defaultValue) guess(form); // written before we ran
    update();
  }

  function back() {
    kept.set(from.pathname, { form: panel.querySelector("form"), guessed });
    close();
  }

  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || alone) return;
    event.stopPropagation(); // it closes this, and not the dialog around
    back();
  });
  section?.addEventListener("click", (event) => {
    const link = event.target.closest("[data-place]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open(link);
  });
  for (const form of alone?.querySelectorAll("[data-place-form]") ?? []) {
    prepare(form);
    if (document.activeElement === document.body) begin(form);
  }
  if (alone?.dataset.picked) { // sent before we ran
    if (opener) handOver(JSON.parse(alone.dataset.picked));
    else document.querySelector("[data-nobody]").hidden = false;
  }
})();
