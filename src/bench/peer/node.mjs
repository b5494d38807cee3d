// Measures llama.cpp through node-llama-cpp: one round of every case asked for, one line of JSON each.
// Argument: {model, threads, prefill: [tokens], batches: [sequences], decodePromptLen, decodeLen}.
import { getLlama } from "node-llama-cpp";

// Its test of a build forks this process with the same options, and `--input-type` is refused beside a file.
process.execArgv.length = 0;

const wanted = JSON.parse(process.argv[2]);
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, maxThreads: wanted.threads });
const model = await llama.loadModel({ modelPath: wanted.model });

const seconds = () => performance.now() / 1000;
const print = (figure) => console.log(JSON.stringify(figure));
// Any tokens will do that are words and not marks of the vocabulary; `salt` keeps sequences apart.
const tokens = (count, salt) => Array.from({ length: count }, (_, i) => 300 + ((i * 131 + salt * 977) % 15000));

const withContext = async (sequences, contextSize, measure) => {
  const context = await model.createContext({
    sequences,
    contextSize,
    batchSize: 512,
    threads: wanted.threads,
    ignoreMemorySafetyChecks: true,
  });
  try {
    return await measure(Array.from({ length: sequences }, () => context.getSequence()));
  } finally {
    await context.dispose();
  }
};

for (const len of wanted.prefill) {
  await withContext(1, len + 64, async ([sequence]) => {
    // Kernels are packed and pages touched by a first, short prompt.
    await sequence.evaluateWithoutGeneratingNewTokens(tokens(32, 1));
    await sequence.clearHistory();
    const started = seconds();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens(len, 2));
    print({ name: "prefill", tokens: len, tokens_per_s: len / (seconds() - started) });
  });
}

for (const batch of wanted.batches) {
  const contextSize = wanted.decodePromptLen + wanted.decodeLen + 32;
  await withContext(batch, contextSize, async (sequences) => {
    // The clock runs from the moment the last sequence has its first token.
    let toBegin = batch;
    let early = 0;
    let started;
    const lane = async (sequence, salt) => {
      let count = 0;
      for await (const _ of sequence.evaluate(tokens(wanted.decodePromptLen, salt), { temperature: 0, yieldEogToken: true })) {
        count += 1;
        if (started === undefined) {
          early += 1;
          if (count === 1 && --toBegin === 0) started = seconds();
        }
        if (count >= wanted.decodeLen) break;
      }
      return count;
    };
    const counts = await Promise.all(sequences.map(lane));
    const generated = counts.reduce((sum, count) => sum + count, 0) - early;
    print({ name: "decode", tokens: wanted.decodeLen, batch, tokens_per_s: generated / (seconds() - started) });
  });
}
process.exit(0);
