// The two questions the page asks in a dialog of its own: an API key, and whether to delete. Each resolves when it is
// answered; Escape is a no.

import { t } from "./i18n.js";

/** Asks for an API key. Resolves to it, or to null. */
export async function askKey({ refused }) {
  const dialog = document.querySelector("#key-dialog");
  const box = dialog.querySelector("input");
  box.value = "";
  dialog.querySelector(".dialog-error").hidden = !refused;
  return (await answered(dialog)) ? box.value.trim() || null : null;
}

/** Asks whether the conversation called `title` is to be deleted. */
export function confirmDeletion(title) {
  const dialog = document.querySelector("#delete-dialog");
  dialog.querySelector(".dialog-text").textContent = t("delete.text", { title });
  return answered(dialog);
}

function answered(dialog) {
  const opener = document.activeElement;
  // Not a submit button: Enter in the key's box would press it, being the form's first.
  dialog.querySelector("button[type=button]").onclick = () => dialog.close();
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const close = () => {
      resolve(dialog.returnValue === "yes");
      if (opener?.isConnected) opener.focus();
    };
    dialog.addEventListener("close", close, { once: true });
  });
}
