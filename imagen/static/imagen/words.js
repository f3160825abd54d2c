"use strict";
// What is written in the Studio's form: templates and their gaps, a seed, what a form brings along, what is asked again.
(() => {
  const form = document.getElementById("imagen-form");
  if (!form) return;
  const GAP = /\{\s*([^{}\s](?:[^{}]{0,38}[^{}\s])?)\s*\}/g;
  const CHOSEN = ["output_format", "negative_prompt", "seed"]; // never by the service alone, as a resolution is
  const SAID = ["model", "style", "aspect_ratio", "num_images", "parent", "resolution", ...CHOSEN];
  const opener = window.parent !== window ? window.parent : window.opener;
  let woven = null; // what the template said with its gaps filled
  let tail = ""; // what was added to that
  let before = ""; // what stood there before a template was chosen
  let brought = null; // what the form that opened us said
  let reworded = null; // other words for the same, and all there was before them

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
    return text().replace(GAP, (whole, name) => said[name] || whole) + tail;
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
    tail = "";
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
    spare();
    if (reworded && event.target.value !== reworded.after) tell(null);
    // Words changed by hand are the editor's own: the gaps would overwrite them.
    if (woven !== null && event.target.value !== woven) gaps().replaceChildren();
  });

  // --- all of it by hand ---

  form.addEventListener("click", (event) => {
    if (event.target.id === "imagen-close") close();
    if (event.target.id === "imagen-dice") draw();
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

  const examples = () => [...document.querySelectorAll("[name=example]")].map((each) => each.textContent);
  const untouched = () => !field("prompt").value.trim() || [brought, ...examples()].includes(field("prompt").value);

  form.addEventListener("click", (event) => {
    const link = event.target.closest("[data-show]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    document.dispatchEvent(new CustomEvent("imagen:show", { detail: { state: link.dataset.show, page: link.href } }));
  });

  // Whoever has words of their own needs no example.
  function spare() {
    document.querySelector(".imagen-examples")?.toggleAttribute("hidden", !untouched());
  }

  document.addEventListener("click", (event) => {
    const example = event.target.closest?.("[name=example]");
    if (!example) return;
    event.preventDefault(); // before we ran, the server keeps what was written
    write(example.textContent);
    field("prompt").focus();
  });

  // What is not offered any more becomes the choice of none, where there is one.
  function put(at, value) {
    const offered = at.options ?? (at instanceof RadioNodeList ? at : null);
    const [one] = [value, ""].flatMap((wanted) => [...(offered ?? [])].filter((each) => each.value === wanted));
    if (one) one.selected = one.checked = true;
    if (!offered) at.value = value;
  }

  document.addEventListener("imagen:reuse", ({ detail }) => {
    for (const name of SAID) if (name in detail && field(name)) put(field(name), String(detail[name] ?? ""));
    for (const each of form.querySelectorAll("[name=slots]")) if ("slots" in detail) each.checked = detail.slots.includes(each.value);
    form.querySelectorAll("details :is([name=style], [name=aspect_ratio]):checked").forEach((each) => { each.closest("details").open = true; });
    if (CHOSEN.some((name) => detail[name])) form.querySelector(".imagen-more").open = true;
    document.getElementById("imagen-told").textContent = detail.instead ?? "";
    field("model").dispatchEvent(new Event("change", { bubbles: true }));
    reword(detail.prompt ?? "", ...(detail.changes ? [detail.changes] : []));
    field("prompt").focus();
  });

  // --- other words for the same, and back ---

  const note = () => document.getElementById("imagen-reworded");
  const now = () => ({ before: field("prompt").value, woven, tail, rows: [...(gaps()?.children ?? [])] });

  function tell(what) {
    reworded = what;
    note().querySelector("bdi").replaceChildren(...(what?.shown ?? []));
    note().hidden = !what;
  }

  // With nothing to show there is nothing to undo.
  function reword(words, ...shown) {
    const was = now();
    if (was.before === woven && words.startsWith(woven)) { // a template stays one, with its gaps
      tail += words.slice(woven.length);
      woven = words;
    }
    write(words);
    tell(shown.length ? { ...was, after: field("prompt").value, shown } : null);
  }

  function undo() {
    const { before, rows } = reworded;
    ({ woven, tail } = reworded);
    tell(null);
    gaps()?.replaceChildren(...rows);
    write(before);
    field("prompt").focus();
  }

  // A form that is drawn anew keeps what can be undone, or brings it.
  function adopt() {
    const [after, shown] = [field("prompt").value, [...note().querySelector("bdi").childNodes]];
    if (!note().hidden) reworded = { ...now(), before: note().querySelector("button").value, after, shown };
    else if (reworded?.after === after) tell(reworded);
  }

  adopt();
  document.addEventListener("imagen:drawn", adopt);
  document.addEventListener("imagen:enhanced", ({ detail }) => {
    reword(detail.prompt, ...document.createRange().createContextualFragment(detail.html).childNodes);
  });
  form.addEventListener("click", (event) => {
    if (!event.target.closest("#imagen-reworded button")) return;
    event.preventDefault();
    undo();
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
  spare();
})();
