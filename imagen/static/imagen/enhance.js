"use strict";
// Enhance: asks for richer words than the form's, unless somebody wrote on meanwhile; words.js puts them in and back.
(() => {
  const form = document.getElementById("imagen-form");
  if (!form) return;
  const SLOW = 500; // milliseconds
  let busy = false;

  const button = () => form.querySelector("[name=enhance]"); // a form that is drawn again has another one
  const say = (text) => { document.getElementById("imagen-enhanced").textContent = text; };
  const words = () => form.elements.prompt.value;

  function rest(still) {
    busy = still;
    button()?.setAttribute("aria-disabled", String(still));
  }

  function take({ said, prompt, html }, before) {
    if (prompt === undefined) return say(said);
    if (words() !== before) return say(button().dataset.meanwhile);
    say("");
    document.dispatchEvent(new CustomEvent("imagen:enhanced", { detail: { prompt, html } }));
  }

  async function enhance() {
    const { url, busy: wait, failed } = button().dataset;
    let before = "";
    const body = () => {
      before = words();
      return new FormData(form);
    };
    rest(true);
    say("");
    const slow = setTimeout(say, SLOW, wait);
    const { news } = await window.imagenCall(url, { method: "POST", body }).catch(() => ({ news: { said: failed } }));
    clearTimeout(slow);
    rest(false);
    take(news, before);
  }

  form.addEventListener("click", (event) => {
    if (event.target.closest("[name=enhance]") === null) return;
    event.preventDefault();
    if (!busy) enhance();
  });
  form.addEventListener("input", ({ target }) => { if (target.name === "prompt" && button() && !busy) say(""); });
})();
