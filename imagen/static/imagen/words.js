"use strict";
// What is written in the Studio's form: templates and their gaps, a seed, what a form brings along, what is asked again.
(() => {
  const form = document.getElementById("imagen-form");
  if (!form) return;
  const GAP = /\{\s*([^{}\s](?:[^{}]{0,38}[^{}\s])?)\s*\}/g;
  const opener = window.parent !== window ? window.parent : window.opener;
  let woven = null; // what the template said with its gaps filled
  let before = ""; // what stood there before a template was chosen
  let brought = null; // what the form that opened us said
  let given = null; // an example that was chosen
  let reworded = null; // what was said before a milder wording, and that wording

  const field = (name) => form.elements[name];
  const gaps = () => document.getElementById("imagen-gaps");

  function write(text) {
    field("prompt").value = text;
    field("prompt").dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- templates ---

  const text = () => field("template")?.selectedOptions[0].dataset.text ?? "";

  function filled() {
    const said = Object.fromEntries([...gaps().querySelectorAll("input")].map((each) => [each.dataset.gap, each.value.trim()]));
    return text().replace(GAP, (whole, name) => said[name] || whole);
  }

  function row(name, place) {
    const label = document.getElementById("imagen-gap").content.cloneNode(true).firstChild;
    const input = label.querySelector("input");
    label.querySelector("span").textContent = name;
    input.dataset.gap = name;
    input.name = `gap-${place}`;
    return label;
  }

  function choose() {
    const names = [...new Set([...text().matchAll(GAP)].map((found) => found[1]))];
    if (field("prompt").value !== woven) before = field("prompt").value;
    gaps().replaceChildren(...names.map(row));
    woven = text() ? filled() : null;
    write(woven ?? before);
    const style = field("template").selectedOptions[0].dataset.style;
    const radio = [...(field("style") ?? [])].find((each) => style && each.value === style);
    if (radio) radio.checked = true;
  }

  form.addEventListener("change", (event) => { if (event.target.name === "template") choose(); }, true);
  form.addEventListener("input", (event) => {
    if (event.target.dataset.gap) write(woven = filled());
    if (event.target.name !== "prompt") return;
    document.getElementById("imagen-filled").hidden = event.target.value !== brought || !brought;
    document.querySelector(".imagen-examples")?.toggleAttribute("hidden", !untouched());
    if (reworded && event.target.value !== reworded.after) tellOfChanges(null);
    // Words changed by hand are the editor's own: the gaps would overwrite them.
    if (woven !== null && event.target.value !== woven) gaps().replaceChildren();
  });

  // --- all of it by hand ---

  form.addEventListener("click", (event) => {
    if (event.target.id === "imagen-close") close();
    if (event.target.id === "imagen-dice") draw();
    if (event.target.closest("#imagen-reworded button")) { write(reworded.before); field("prompt").focus(); }
    if (event.target.id !== "imagen-write-out") return;
    for (const chip of form.querySelectorAll("[name=kept]:not(:disabled)")) chip.checked = false;
    const plain = form.querySelector("[name=style][value='']");
    if (plain) plain.checked = true;
    write(document.querySelector("#imagen-sent [data-text]").dataset.text);
    field("prompt").focus();
  });

  function draw() {
    const seed = field("seed");
    seed.value = Math.floor(Math.random() * (Number(seed.max) + 1));
    document.getElementById("imagen-drawn").textContent = seed.value; // read out, for the focus stays on the button
    seed.dispatchEvent(new Event("change", { bubbles: true }));
  }

  // --- asked again ---

  const untouched = () => !field("prompt").value.trim() || [brought, given].includes(field("prompt").value);

  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-show]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("imagen:show", { detail: { state: link.dataset.show, page: link.href } }));
  });

  document.addEventListener("click", (event) => {
    const example = event.target.closest?.("[data-example]");
    if (!example || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (untouched()) write(given = example.textContent);
    field("prompt").focus();
  });

  function tellOfChanges(changes, before) {
    const note = document.getElementById("imagen-reworded");
    reworded = changes ? { before, after: field("prompt").value } : null;
    note.querySelector("span").textContent = changes ?? "";
    note.hidden = !changes;
  }

  document.addEventListener("imagen:reuse", ({ detail }) => {
    const before = field("prompt").value;
    for (const name of ["model", "negative_prompt", "seed", "parent"]) if (name in detail) field(name).value = detail[name] ?? "";
    const shape = [...field("aspect_ratio")].find((each) => each.value === detail.aspect_ratio);
    if (shape) shape.checked = true;
    for (const each of form.querySelectorAll("[name=slots]")) if ("slots" in detail) each.checked = detail.slots.includes(each.value);
    if (detail.negative_prompt || detail.seed) form.querySelector(".imagen-more").open = true;
    field("model").dispatchEvent(new Event("change", { bubbles: true }));
    write(detail.prompt ?? "");
    tellOfChanges(detail.changes, before);
    field("prompt").focus();
  });

  // --- the form that opened us ---

  function bring(words) {
    const prompt = field("prompt");
    if (!words || (prompt.value && prompt.value !== brought)) return;
    brought = words.slice(0, prompt.maxLength > 0 ? prompt.maxLength : undefined);
    write(brought);
    brought = prompt.value; // line ends as this field has them
    document.getElementById("imagen-filled").hidden = false;
    if (![document.body, prompt].includes(document.activeElement)) return; // somebody chooses something else already
    prompt.focus();
    prompt.setSelectionRange(0, 0); // its beginning is what one wants to read
    prompt.scrollTop = 0;
  }

  function close() {
    opener?.postMessage({ type: "imagen:close" }, location.origin);
    if (window.parent === window) window.close();
  }

  document.addEventListener("imagen:leave", close);
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== opener) return;
    if (event.data?.type !== "imagen:form") return;
    bring(String(event.data.words ?? ""));
    if (document.activeElement === document.body) field("prompt").focus(); // the dialog was opened again
  });
  window.addEventListener("keydown", (event) => {
    // The right column has uses of its own for it.
    const elsewhere = event.defaultPrevented || event.target.closest?.("#imagen-results, dialog");
    if (event.key === "Escape" && !elsewhere && window.parent !== window) close();
  });
  // Everybody listens by then.
  const csrf = field("csrfmiddlewaretoken").value; // who logged in again has another one than the form that opened us
  document.addEventListener("DOMContentLoaded", () => opener?.postMessage({ type: "imagen:ready", csrf }, location.origin));
  if (document.activeElement === document.body) field("prompt").focus(); // nobody writes anywhere yet
  // A template that was chosen before we ran.
  const early = field("template")?.selectedOptions[0];
  if (early?.value && !early.defaultSelected && field("prompt").value === field("prompt").defaultValue) choose();
})();
