"use strict";
// The add form: choices follow model and service, and the price follows everything.
(() => {
  const quote = document.getElementById("imagen-quote");
  if (!quote) return;
  const form = document.getElementById("generation_form");
  const abilities = JSON.parse(form.elements.model.dataset.abilities);
  const priced = ["model", "provider", "aspect_ratio", "resolution", "num_images", "output_format", "seed"];
  const { limit, touched } = window.imagenChoices;
  const PATIENCE = 10_000; // milliseconds
  let timer = 0;
  let latest = 0;
  let due = false; // whether a price that nobody saw yet is on its way

  const able = () => {
    const at = abilities[form.elements.model.value] || {};
    return at[form.elements.provider.value] || at[""] || Object.values(at)[0] || {};
  };

  function offer(name, possible) {
    form.elements[name].disabled = !possible;
    form.querySelector(`.field-${name}`)?.classList.toggle("imagen-gone", !possible);
  }

  function follow() {
    const at = abilities[form.elements.model.value] || {};
    limit(form.elements.provider, (alias) => alias in at);
    const can = able();
    limit(form.elements.aspect_ratio, (ratio) => can.aspect_ratio.includes(ratio));
    for (const name of ["resolution", "output_format"]) {
      limit(form.elements[name], (value) => !value || can[name].includes(value));
      offer(name, can[name].length > 0);
    }
    for (const name of ["negative_prompt", "seed"]) offer(name, can[name]);
  }

  // Nothing is sent while a price is on its way: who asks has seen it.
  const rest = (still) => form.querySelectorAll("[type=submit]").forEach((each) => { each.disabled = still; });

  async function ask() {
    const turn = ++latest;
    try {
      const options = { method: "POST", body: new FormData(form), redirect: "error", signal: AbortSignal.timeout(PATIENCE) };
      const answer = await fetch(quote.dataset.url, options);
      if (answer.ok && turn === latest) quote.innerHTML = (await answer.json()).html;
    } catch {
      // Without a new price the form still works; it is checked again when it is sent.
    }
    if (turn === latest) rest(due = false);
  }

  function soon() {
    rest(due = true);
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  }

  form.addEventListener("change", (event) => {
    if (!priced.includes(event.target.name)) return;
    follow();
    soon();
  });
  form.addEventListener("submit", () => { latest += 1; setTimeout(rest, 0, true); });
  window.addEventListener("pageshow", () => rest(due)); // who comes back may send again; it also ends every first load
  follow();
  if (priced.some((name) => touched(form.elements[name]))) soon(); // the page came with the price of what it says
})();
