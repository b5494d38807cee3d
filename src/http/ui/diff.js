// What an edit changed, word by word.
//
// In: two texts. Out: runs of `{ kind: "same" | "gone" | "new", text }` that make up both. A longest common
// subsequence: the texts are a few sentences, so that its square is small.

/** Longest product of lengths that is compared word by word; beyond it the texts are shown whole, one after the other. */
const MAX_CELLS = 1_000_000;

export function diff(before, after) {
  const [a, b] = [words(before), words(after)];
  if (a.length * b.length > MAX_CELLS) return runs([["gone", before], ["new", after]]);
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const steps = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push(["same", a[i++]]);
      j++;
    } else if (j === b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      steps.push(["gone", a[i++]]);
    } else {
      steps.push(["new", b[j++]]);
    }
  }
  return runs(steps);
}

/** Words with the blanks after them: the pieces put together are the text, and no two texts agree in a blank alone. */
function words(text) {
  return text.match(/^\s+|\S+\s*/g) ?? [];
}

function runs(steps) {
  const joined = [];
  for (const [kind, text] of steps) {
    if (joined.at(-1)?.kind === kind) joined.at(-1).text += text;
    else joined.push({ kind, text });
  }
  return joined.filter(({ text }) => text);
}
