"use strict";
// What both forms that ask for pictures do with their choices.
window.imagenChoices = {
  // Only what is allowed can be chosen; what was chosen and is not any more makes room for the first that is.
  limit(select, allowed) {
    for (const option of select.options) option.hidden = option.disabled = !allowed(option.value);
    if (select.selectedOptions[0]?.disabled) select.value = [...select.options].find((option) => !option.disabled)?.value ?? "";
  },
  // Whether somebody chose something else before we ran, or it came back with the page.
  touched({ type, checked, defaultChecked, options, selectedIndex, value, defaultValue = value }) {
    if (options) return selectedIndex !== Math.max(0, [...options].findIndex((each) => each.defaultSelected));
    return ["radio", "checkbox"].includes(type) ? checked !== defaultChecked : value !== defaultValue;
  },
};
