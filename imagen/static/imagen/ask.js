"use strict";
// The add form: choices follow model and service, and the price follows everything.
(() => {
  const quote = document.getElementById("imagen-quote");
  if (!quote) return;
  const form = document.getElementById("generation_form");
  const abilities = JSON.parse(form.elements.model.dataset.abilities);
  const price = document.getElementById("imagen-price");
  const notes = document.getElementById("imagen-notes");
  const priced = ["model", "provider", "aspect_ratio", "resolution", "num_images", "output_format", "seed"];
  let timer = 0;
  let latest = 0;

  const able = () => {
    const at = abilities[form.elements.model.value] || {};
    return at[form.elements.provider.value] || at[""] || Object.values(at)[0] || {};
  };

  function limit(select, allowed) {
    for (const option of select.options) option.hidden = option.disabled = !allowed(option.value);
    if (select.selectedOptions[0]?.disabled) select.value = [...select.options].find((option) => !option.disabled)?.value ?? "";
  }

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

  function line(text, name) {
    const paragraph = document.createElement("p");
    paragraph.className = name;
    paragraph.textContent = text;
    return paragraph;
  }

  function show(told) {
    const wrong = Object.values(told.errors).flat().map((error) => line(error.message, "imagen-notice imagen-wrong"));
    price.textContent = told.price;
    notes.replaceChildren(...told.notes.map((note) => line(note, "imagen-notice")), ...wrong);
    quote.hidden = false;
  }

  async function ask() {
    const turn = ++latest;
    try {
      const answer = await fetch(quote.dataset.url, { method: "POST", body: new FormData(form), redirect: "error" });
      if (answer.ok && turn === latest) show(await answer.json());
    } catch {
      // Without a price the form still works; it is checked again when it is sent.
    }
  }

  form.addEventListener("change", (event) => {
    if (!priced.includes(event.target.name)) return;
    follow();
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  const rest = (still) => form.querySelectorAll("[type=submit]").forEach((each) => { each.disabled = still; });
  form.addEventListener("submit", () => setTimeout(rest, 0, true));
  window.addEventListener("pageshow", () => rest(false)); // who comes back may send again
  follow();
  ask();
})();
