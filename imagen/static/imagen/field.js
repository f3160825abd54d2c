// The way from an image field to the Studio and back: a dialog, and a token that the form carries along.
"use strict";
{
  let open = null; // {row, opener, dialog, frame} while the dialog is open
  const kept = new Map(); // the same by opener: a Studio that was closed is opened as it was, with what was typed in it

  const part = (row, name) => row.querySelector(`.imagen-field-${name}`);
  const token = (row) => row.querySelector("input[name$='-imagen']");

  // --- the form around a row; rows of an inline carry a prefix, and may be given another number later

  // What the row belongs to: an image field by its token, a relation, which has none, by what Django's script would fill.
  const holder = (row) => token(row) || document.getElementById(row.querySelector(".imagen-open").id.replace("add_", ""));

  function field(row, name) {
    const { form, name: own } = holder(row);
    const plain = own.replace(/-imagen$/, "");
    const prefix = plain.slice(0, plain.length - row.dataset.imagen.split(".").pop().length);
    return name ? form.elements[prefix + name] || form.elements[name] : form.elements[plain];
  }

  // Without tags, and with what entities stand for; "< 5" is no tag.
  function plain(text) {
    const bare = text.replace(/<[/!]?[a-z-][^>]*>/gi, " ");
    return new DOMParser().parseFromString(bare, "text/html").documentElement.textContent.replace(/\s+/g, " ").trim();
  }

  function shortened(text, most) {
    if (!most || text.length <= most) return text;
    return text.slice(0, most).replace(/\s+\S*$/, "");
  }

  function words(row) {
    const found = JSON.parse(row.dataset.words || "[]").map(([name, most]) => {
      const source = field(row, name);
      if (!source) return "";
      const chosen = source.selectedOptions ? [...source.selectedOptions].map((each) => each.text).join(", ") : source.value;
      return shortened(plain(chosen || ""), most);
    });
    return found.filter(Boolean).map((text) => (/[.!?…:;]$/.test(text) ? text : `${text}.`)).join(" ").replace(/\.$/, "");
  }

  function current(row) {
    const alt = row.dataset.alt && field(row, row.dataset.alt);
    return row.dataset.current ? { url: row.dataset.current, alt: alt ? alt.value : "" } : null;
  }

  // --- the dialog

  function build(row) {
    const dialog = document.createElement("dialog");
    dialog.className = "imagen-dialog";
    dialog.setAttribute("aria-label", row.dataset.title);
    const close = document.createElement("button");
    close.type = "button";
    close.className = "imagen-dialog-close";
    close.setAttribute("aria-label", row.dataset.close);
    close.textContent = "×";
    close.addEventListener("click", () => dialog.close());
    const frame = document.createElement("iframe");
    frame.title = row.dataset.title;
    const bar = document.createElement("div");
    bar.className = "imagen-dialog-bar";
    bar.append(row.dataset.title, close);
    dialog.append(bar, frame);
    return { dialog, frame };
  }

  function show(row, opener) {
    if (kept.has(opener)) return again(opener);
    const { dialog, frame } = build(row);
    open = { row, opener, dialog, frame };
    const address = new URL(opener.href);
    address.searchParams.set("_popup", "1");
    frame.addEventListener("load", () => enter(frame, dialog));
    dialog.addEventListener("close", leave);
    document.body.append(dialog);
    dialog.showModal();
    frame.src = address;
  }

  function again(opener) {
    open = kept.get(opener);
    open.dialog.showModal();
    open.frame.focus();
    tell(open);
  }

  function tell({ row, frame }) {
    frame.contentWindow.postMessage({ type: "imagen:form", words: words(row), current: current(row) }, location.origin);
  }

  // Keys pressed inside do not reach the dialog around; what lies open in there is closed first.
  function enter(frame, dialog) {
    if (document.activeElement !== frame) frame.focus(); // once more would take it from the field in there that has it
    frame.contentWindow.addEventListener("keydown", (event) => {
      const busy = event.defaultPrevented || frame.contentDocument.querySelector("dialog[open]");
      if (event.key === "Escape" && !busy) dialog.close();
    });
  }

  function leave() {
    const { dialog, opener } = open;
    open = null;
    if (!kept.has(opener)) dialog.remove();
    opener.focus();
  }

  // --- what comes back

  function write(input, text) {
    input.value = text;
    for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
  }

  function take(row, said) {
    undo(row);
    const image = document.createElement("img");
    image.src = said.thumbnail;
    image.alt = said.alt;
    part(row, "picked").prepend(image);
    part(row, "picked").hidden = false;
    part(row, "picked").querySelector("[role=status]").textContent = row.querySelector("template").content.textContent.trim();
    if (!token(row)) return choose(row, said);
    token(row).value = said.pick;
    const clear = token(row).form.elements[`${field(row).name}-clear`];
    if (clear) clear.checked = false;
    describe(row, said.alt);
  }

  // A relation has the picture itself, until somebody chooses another.
  function choose(row, { image, name }) {
    const input = holder(row);
    row.imagen = { input, before: input.value, image };
    if (input.options && ![...input.options].some((each) => each.value === image)) input.add(new Option(name, image));
    write(input, image);
    input.addEventListener("change", () => { if (row.imagen && input.value !== image) undo(row); });
  }

  function describe(row, alt) {
    const input = row.dataset.alt && field(row, row.dataset.alt);
    row.imagen = { input, before: input ? input.value : "", alt };
    if (!input || input.value.trim() === alt) return;
    if (!input.value.trim()) write(input, alt);
    else offer(row, alt);
  }

  function offer(row, alt) {
    const question = part(row, "words");
    question.hidden = false;
    question.querySelector("q").textContent = alt;
    for (const each of question.querySelectorAll("[data-said]")) each.hidden = !alt;
    for (const each of question.querySelectorAll("[data-silent]")) each.hidden = Boolean(alt);
  }

  function settle(row, change) {
    if (change) write(row.imagen.input, row.imagen.alt);
    part(row, "words").hidden = true;
    (change ? row.imagen.input : part(row, "undo")).focus();
  }

  // What was chosen before the form came back: the words are those the form had begun with.
  function returned(row) {
    const input = token(row) && row.dataset.alt && field(row, row.dataset.alt);
    const seen = input && token(row).form.elements[`${token(row).name}-alt`];
    return seen ? { input, before: seen.value, alt: part(row, "picked").querySelector("img")?.alt } : {};
  }

  function undo(row) {
    const { input, before, alt, image = alt } = row.imagen || returned(row);
    row.imagen = null;
    if (input && input.value === image && before !== image) write(input, before);
    if (token(row)) token(row).value = "";
    for (const each of row.querySelectorAll(".imagen-field-picked, .imagen-field-words")) each.hidden = true;
    part(row, "picked").querySelector("img")?.remove();
    part(row, "picked").querySelector("[role=status]").textContent = "";
  }

  // Who logged in again while the dialog was open needs the new mark against forgery to save the form.
  function renew(csrf) {
    for (const each of document.querySelectorAll("[name=csrfmiddlewaretoken]")) each.value = csrf || each.value;
  }

  // A window of a relation has the name Django's script gave it: the field's id and a number.
  function brief(popup) {
    const link = document.getElementById(`add_${popup.name.replace(/__\d+$/, "")}`);
    const row = link?.closest("[data-imagen]");
    if (row) popup.postMessage({ type: "imagen:form", words: words(row), current: null }, location.origin);
  }

  // Clicked before we ran, the link opened a window of its own, which has the name of the row's token.
  function early(source) {
    const row = [...document.querySelectorAll("[data-imagen]")].find((each) => token(each)?.name === source.name);
    return row && { row, dialog: source, frame: { contentWindow: source } };
  }

  const HEARD = {
    "imagen:ready": (at) => {
      kept.set(at.opener, at);
      tell(at);
    },
    "imagen:picked": ({ row, opener, dialog }, said) => {
      if (said.place !== row.dataset.imagen) return;
      take(row, said);
      kept.delete(opener);
      dialog.close();
    },
    "imagen:close": ({ dialog }) => dialog.close(),
  };

  window.addEventListener("message", (event) => {
    const { origin, source, data } = event;
    const framed = open && source === open.frame.contentWindow;
    if (origin !== location.origin || !data || !(framed || source?.opener === window)) return;
    if (["imagen:ready", "imagen:csrf"].includes(data.type)) renew(data.csrf);
    const at = framed ? open : early(source);
    if (at && Object.hasOwn(HEARD, data.type)) HEARD[data.type](at, data);
    if (!at && data.type === "imagen:ready") brief(source);
  });

  document.addEventListener("click", (event) => {
    const found = event.target.closest && event.target.closest(".imagen-field a, .imagen-field button");
    const row = found && found.closest("[data-imagen]");
    if (!row || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (found.matches(".imagen-open") && window.HTMLDialogElement) {
      event.preventDefault();
      event.stopPropagation(); // Django's script would open a window for a relation
      show(row, found);
    } else if (found.matches(".imagen-field-undo")) {
      undo(row);
      row.querySelector(".imagen-open")?.focus();
    } else if (found.matches(".imagen-field-keep, .imagen-field-use")) {
      settle(row, found.matches(".imagen-field-use"));
    }
  }, true);
}
