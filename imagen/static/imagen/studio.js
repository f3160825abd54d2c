"use strict";
// The Studio's left column: choices follow the model, the price follows the choices, and asking keeps the page.
(() => {
  const form = document.getElementById("imagen-form");
  if (!form) return;
  const PRICED = ["model", "provider", "aspect_ratio", "resolution", "num_images", "output_format", "negative_prompt", "seed"];
  const { limit, touched } = window.imagenChoices;
  const HELD = 2000; // milliseconds: long enough to read that it was taken
  let timer = 0;
  let held = 0; // the timer while the button says so
  let label = ""; // what it says otherwise
  let latest = 0;
  let busy = false;
  let due = false; // whether a price that nobody saw yet is on its way
  let pressed = null; // what was pressed meanwhile, and the price that was seen then

  const field = (name) => form.elements[name];
  const width = (ratio) => Math.log(ratio.split(":").reduce((wide, high) => wide / high));

  // --- what the model can do ---

  function able() {
    const at = JSON.parse(field("model").dataset.abilities)[field("model").value] || {};
    const provider = field("provider");
    limit(provider, (alias) => alias in at || !alias);
    return at[provider.value] || at[""] || Object.values(at)[0];
  }

  function shapes(allowed) {
    const radios = [...field("aspect_ratio")];
    for (const radio of radios) {
      radio.disabled = !allowed.includes(radio.value);
      radio.closest("label").classList.toggle("imagen-gone", radio.disabled);
    }
    const chosen = radios.find((radio) => radio.checked);
    if (chosen && !chosen.disabled) return;
    const off = (radio) => Math.abs(width(radio.value) - width(chosen?.value ?? "1:1"));
    const [best] = radios.filter((radio) => !radio.disabled).sort((one, other) => off(one) - off(other));
    if (best) best.checked = true;
  }

  function offer(name, possible) {
    field(name).disabled = !possible;
    form.querySelector(`.field-${name}`).classList.toggle("imagen-gone", !possible);
  }

  function follow() {
    const can = able();
    if (!can) return;
    shapes(can.aspect_ratio);
    for (const name of ["resolution", "output_format"]) {
      limit(field(name), (value) => !value || can[name].includes(value));
      offer(name, can[name].length > 0);
    }
    for (const name of ["negative_prompt", "seed"]) offer(name, can[name]);
    const services = [...field("provider").options].filter((option) => !option.disabled);
    offer("provider", services.length > 2 || field("provider").ariaInvalid === "true");
  }

  // --- what it costs ---

  const generate = () => document.getElementById("imagen-generate");
  const rest = () => generate().setAttribute("aria-disabled", String(busy || due || held > 0));
  function said(submitter) {
    const data = new FormData(form, submitter);
    data.set("run", document.querySelector(".imagen-run")?.dataset.run ?? ""); // what is shown beside it
    return data;
  }

  const post = (url, options = {}) =>
    window.imagenCall(url, { method: "POST", ...options, body: () => said(options.submitter) });

  async function price() {
    const turn = ++latest;
    try {
      const { status, news } = await post(form.dataset.quote, { quiet: true });
      if (status === 200 && turn === latest && !busy) show(news);
    } catch {
      // Without a new price the form still works; it is checked again when it is sent.
    }
    if (turn === latest) due = false;
    rest();
    if (!due && pressed) resume();
  }

  // The price is known now: what was pressed before goes on, if it is still the price that was seen.
  function resume() {
    const { by, shown } = pressed;
    pressed = null;
    if (!busy && by.isConnected && field("shown").value === shown) ask(by);
  }

  function show(news) {
    for (const [name, html] of Object.entries(news.html)) renew(`imagen-${name}`, html);
    label = news.button;
    if (!held) generate().textContent = label;
    dress();
  }

  function renew(id, html) {
    const box = document.getElementById(id);
    if (box.innerHTML === html) return;
    const at = box.contains(document.activeElement) && document.activeElement.textContent;
    box.innerHTML = html; // what is new is read out, and only that
    if (at === false) return;
    ([...box.querySelectorAll("a, button")].find((each) => each.textContent === at) ?? generate()).focus();
  }

  function soon(wait, unseen) {
    due ||= unseen;
    latest += 1; // what is on its way is about an earlier choice
    pressed = null;
    rest();
    clearTimeout(timer);
    timer = setTimeout(price, wait);
  }

  // What works only with scripts shows up, what is there for who has none goes.
  function dress() {
    form.classList.add("imagen-scripted");
    for (const each of form.querySelectorAll("#imagen-write-out, #imagen-close, #imagen-dice")) each.hidden = false;
    for (const each of form.querySelectorAll(".imagen-scriptless")) each.hidden = true;
    document.documentElement.style.setProperty("--imagen-foot", `${form.querySelector(".imagen-foot").offsetHeight}px`);
  }

  // --- asking ---

  function tell(text) {
    const wrong = Object.assign(document.createElement("p"), { className: "imagen-notice imagen-wrong", textContent: text });
    form.querySelector(".imagen-wrongs").replaceChildren(wrong);
    wrong.scrollIntoView({ block: "nearest" });
  }

  function redraw({ html, action, quote, said }) {
    form.action = action;
    form.dataset.quote = quote;
    const open = [...form.querySelectorAll("details")].map((each) => each.open);
    form.innerHTML = html;
    form.querySelectorAll("details").forEach((each, place) => { each.open ||= open[place] ?? false; });
    begin();
    if (said) return document.getElementById("imagen-told").focus(); // nothing was asked for, and Enter once more asks for nothing
    const wrong = form.querySelector("[aria-invalid=true]") ?? form.querySelector(".errorlist")?.parentElement.querySelector("input");
    const gap = [...form.querySelectorAll("#imagen-gaps input")].find((input) => !input.value);
    const at = wrong?.name === "template" ? gap ?? wrong : wrong ?? gap;
    at?.focus();
    if (document.activeElement !== at) generate().focus(); // it is hidden or cannot be changed
    const blocked = wrong?.dataset.blocked ? wrong.value.indexOf(wrong.dataset.blocked) : -1;
    if (blocked >= 0) wrong.setSelectionRange(blocked, blocked + wrong.dataset.blocked.length);
  }

  function hold() {
    label = generate().textContent;
    generate().textContent = generate().dataset.queued;
    held = setTimeout(release, HELD);
  }

  // After a moment, or as soon as something else is wanted.
  function release() {
    if (!held) return;
    clearTimeout(held);
    held = 0;
    generate().textContent = label;
    rest();
  }

  function asked(news) {
    hold();
    form.querySelector(".imagen-wrongs").replaceChildren();
    field("mark").value = news.mark; // the next one is another request
    field("parent").value = "";
    document.dispatchEvent(new CustomEvent("imagen:asked", { detail: news }));
    soon(0, false); // less is left now
  }

  async function ask(submitter) {
    busy = true;
    rest();
    try {
      const { news } = await post(form.action, { submitter });
      busy = false;
      if (news.run) asked(news);
      else if (news.html) redraw(news);
      else tell(news.message);
    } catch {
      tell(form.dataset.lost);
    }
    busy = false;
    rest();
  }

  const costs = (submitter) => submitter === generate() || submitter?.name === "fewer";

  // Enter in a field presses the form's first button, which means the one that belongs to the field.
  function meant(submitter) {
    if (submitter?.name !== "enter") return submitter;
    return document.activeElement.name === "keep_as" ? field("keep") : generate();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const by = meant(event.submitter);
    if (busy || (held && costs(by))) return;
    if (due && costs(by)) pressed = { by, shown: field("shown").value };
    else ask(by);
  });
  for (const kind of ["input", "change"]) form.addEventListener(kind, release);
  form.addEventListener("change", (event) => {
    const { name } = event.target;
    if (PRICED.includes(name)) follow();
    soon(100, PRICED.includes(name));
  });
  form.addEventListener("input", (event) => { if (event.target.name === "prompt") soon(400, false); });
  document.addEventListener("imagen:done", () => soon(0, false)); // less is left now, or more
  form.addEventListener("click", (event) => {
    const { model } = event.target.dataset;
    if (!model) return;
    field("model").focus(); // the button goes with the note
    field("model").value = model;
    field("model").dispatchEvent(new Event("change", { bubbles: true }));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(generate());
  });

  function begin() {
    dress();
    follow();
    document.dispatchEvent(new CustomEvent("imagen:drawn"));
  }

  begin();
  // The page leaves some of it to us; what was chosen before we ran, or came back with the page, has another price.
  soon(0, [...form.elements].filter(touched).some(({ name }) => PRICED.includes(name)));
})();
