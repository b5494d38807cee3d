//! The whole model against candle's own, in F32: the perplexity of a fixed text, with every way of keeping keys and
//! values. Kernels that are each right and a model that is wrong would show here.

use std::io::{Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Content};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use haetae::engine::arch::decoder::Batch;
use haetae::engine::arch::{Decoder, GgufFile};
use haetae::engine::tokenizer_gguf;
use haetae::kernels::{BLOCK_LEN, BlockId, KvStore, KvType, Segment};

use crate::support::home;

/// A page of the corpus, as it reads.
const TEXT: &str = include_str!("../../../corpora/valuation/026-assist-tools-dies-moulds.en.md");
/// Tokens of it; candle's model gives the logits of one at a time.
const NUM_TOKENS: usize = 384;

/// Activations are rounded to eight bits, weights to nothing: their product strays a little, and the text's perplexity
/// hardly.
const MOST_LOSS: f64 = 0.01;
/// What keys and values of fewer bits may do besides: on so short a text they move it either way.
const MOST_KV_LOSS: f64 = 0.02;

#[test]
fn perplexity_is_that_of_candles_f32_model() {
    let stored = home::model("smollm2-135m-instruct");
    let file = GgufFile::open(stored.weights()).unwrap();
    let text = TEXT.rsplit("---\n").next().unwrap();
    let mut tokens = tokenizer_gguf::tokenizer(&file).unwrap().encode(text).unwrap();
    assert!(tokens.len() >= NUM_TOKENS, "the text has {} tokens", tokens.len());
    tokens.truncate(NUM_TOKENS);

    let expected = candles(stored.weights(), &tokens);
    let mut decoder = Decoder::load(&file, NUM_TOKENS).unwrap();
    let mut found = |kv_type| ours(&mut decoder, &tokens, kv_type);
    let (f32, f16, q8) = (found(KvType::F32), found(KvType::F16), found(KvType::Q8));
    println!("perplexity: candle F32 {expected:.4}, ours {f32:.4}, with keys and values in f16 {f16:.4}, q8 {q8:.4}");
    assert!((f32 / expected - 1.0).abs() <= MOST_LOSS, "{f32} for {expected}");
    for kept in [f16, q8] {
        assert!((kept / f32 - 1.0).abs() <= MOST_KV_LOSS, "{kept} for {f32}");
    }
}

fn ours(decoder: &mut Decoder, tokens: &[u32], kv_type: KvType) -> f64 {
    let config = decoder.config();
    let num_blocks = tokens.len().div_ceil(BLOCK_LEN);
    let mut store = KvStore::new(kv_type, config.num_layers, num_blocks, config.num_kv_heads, config.head_dim);
    let blocks: Vec<BlockId> = (0..num_blocks as u32).map(BlockId).collect();
    let batch = Batch {
        tokens: tokens.to_vec(),
        segments: vec![Segment { rows: 0..tokens.len(), start: 0, blocks: &blocks }],
        logit_rows: (0..tokens.len() as u32 - 1).collect(),
    };
    let rows = decoder.forward(&batch, &mut store).unwrap();
    perplexity(rows.zip(&tokens[1..]).map(|(logits, next)| log_probability(logits, *next)))
}

/// The same of candle's model with its weights opened to F32.
fn candles(weights: &Path, tokens: &[u32]) -> f64 {
    let mut model = open_to_f32(weights);
    let steps = tokens.windows(2).enumerate().map(|(position, pair)| {
        let input = Tensor::new(&pair[..1], &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let logits: Vec<f32> = model.forward(&input, position).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        log_probability(&logits, pair[1])
    });
    perplexity(steps)
}

/// candle multiplies F32 weights in F32 and quantised ones in eight bits, so the file is written anew.
fn open_to_f32(weights: &Path) -> ModelWeights {
    let mut file = std::fs::File::open(weights).unwrap();
    let content = Content::read(&mut file).unwrap();
    let tensors: Vec<(String, QTensor)> = content
        .tensor_infos
        .keys()
        .map(|name| {
            let tensor = content.tensor(&mut file, name, &Device::Cpu).unwrap();
            let opened = tensor.dequantize(&Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
            (name.clone(), QTensor::quantize(&opened, GgmlDType::F32).unwrap())
        })
        .collect();
    let metadata: Vec<_> = content.metadata.iter().map(|(key, value)| (key.as_str(), value)).collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut opened = tempfile::tempfile().unwrap();
    gguf_file::write(&mut opened, &metadata, &tensors).unwrap();
    opened.seek(SeekFrom::Start(0)).unwrap();
    let content = Content::read(&mut opened).unwrap();
    ModelWeights::from_gguf(content, &mut opened, &Device::Cpu).unwrap()
}

fn log_probability(logits: &[f32], token: u32) -> f64 {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - largest).exp()).sum();
    f64::from(logits[token as usize] - largest) - sum.ln()
}

fn perplexity(log_probabilities: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = log_probabilities.fold((0.0, 0), |(sum, count), one| (sum + one, count + 1));
    (-sum / f64::from(count)).exp()
}
