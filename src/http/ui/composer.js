// The box a question is typed in. Out: `onSend(text)` and `onStop()`.
//
// Its one hard rule: Enter that belongs to an input method never sends. Browsers disagree on how they say so, and all
// of these are heeded: `isComposing` on the key; key code 229, which the input method leaves where `isComposing` is
// late; `compositionend` arriving before the key that caused it (Safari); and a second, ordinary Enter from the same
// press, once the composition has ended (Chrome with a Korean input method).

const SAME_PRESS_MS = 40;

export class Composer {
  constructor(form, { onSend, onStop }) {
    Object.assign(this, { form, onSend, onStop });
    this.box = form.querySelector("textarea");
    this.sendButton = form.querySelector(".send");
    this.stopButton = form.querySelector(".stop");
    this.busy = false;
    this.composing = false;
    this.composedAt = -Infinity;
    this.imeEnter = false;

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.stopButton.addEventListener("click", () => this.onStop());
    this.box.addEventListener("input", () => this.#fit());
    this.box.addEventListener("compositionstart", () => (this.composing = true));
    this.box.addEventListener("compositionend", (event) => {
      this.composing = false;
      this.composedAt = event.timeStamp;
    });
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("keyup", (event) => {
      if (event.key === "Enter") this.imeEnter = false;
    });
    this.box.addEventListener("beforeinput", (event) => {
      // The press that ended a composition must not leave a line break behind either.
      if (this.imeEnter && event.inputType === "insertLineBreak") event.preventDefault();
    });
    this.#fit();
  }

  focus() {
    this.box.focus();
  }

  /** Puts `text` in the box, ready to be changed or sent. */
  fill(text) {
    this.box.value = text;
    this.#fit();
    this.focus();
  }

  setBusy(busy) {
    const hadFocus = this.form.contains(document.activeElement);
    this.busy = busy;
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (hadFocus) this.focus(); // the focused button may just have been hidden
    this.#fit();
  }

  send() {
    const text = this.box.value.trim();
    if (!text || this.busy) return;
    this.box.value = "";
    this.#fit();
    this.onSend(text);
  }

  #key(event) {
    if (event.key !== "Enter" && event.keyCode !== 13 && event.keyCode !== 229) return;
    const byInputMethod =
      event.isComposing ||
      event.keyCode === 229 ||
      this.composing ||
      this.imeEnter ||
      event.timeStamp - this.composedAt < SAME_PRESS_MS;
    if (byInputMethod) {
      if (event.key === "Enter" || event.code === "Enter") {
        this.imeEnter = !event.shiftKey;
        if (!event.isComposing && event.keyCode === 13 && !event.shiftKey) event.preventDefault();
      }
      return;
    }
    if (event.shiftKey || event.altKey) return;
    event.preventDefault();
    if (!event.repeat) this.send();
  }

  #fit() {
    this.sendButton.disabled = !this.box.value.trim();
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }
}
