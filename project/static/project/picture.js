// The picture chosen in the pop-up window is shown beside the button; Django's own script fills the field.
"use strict";
{
  const $ = django.jQuery;

  function show(box) {
    const chosen = box.querySelector("input").value;
    const image = box.querySelector("img");
    if (chosen) image.src = box.dataset.pattern.replace(box.dataset.nothing, encodeURIComponent(chosen));
    image.hidden = box.querySelector(".articles-drop").hidden = !chosen;
  }

  $(document).on("change", ".articles-picture input", (event) => show(event.target.closest(".articles-picture")));
  $(document).on("click", ".articles-drop", (event) => {
    const box = event.target.closest(".articles-picture");
    box.querySelector("input").value = "";
    show(box);
    box.querySelector(".related-lookup").focus();
  });
}
