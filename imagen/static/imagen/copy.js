"use strict";
// A button that copies the text of another element or what stands in a field; where the browser lets nothing be copied it stays away.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { value, textContent } = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(value ?? textContent);
    button.textContent = button.dataset.done;
  });
}
