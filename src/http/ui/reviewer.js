// Who judges rows: a name, remembered on this machine.

const STORED = "haetae.reviewer";

export const reviewer = {
  get name() {
    return localStorage.getItem(STORED) ?? "";
  },
  set name(name) {
    localStorage.setItem(STORED, name);
  },
};
