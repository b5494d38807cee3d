//! A tokenizer from GGUF metadata: byte-level BPE (`gpt2`) and SentencePiece (`llama`).
//!
//! Pre-tokenizers are told by `tokenizer.ggml.pre`; the expressions are those that llama.cpp (`src/llama-vocab.cpp`)
//! and the models' own `tokenizer.json` give. An unknown name is an error, because a wrong split gives a model that
//! seems to work.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::Value;
use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::byte_level::ByteLevel as ByteLevelDecoder;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as DecoderSequence;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{NFC, Prepend, Replace, Sequence as NormalizerSequence};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer as HfTokenizer};

use super::arch::GgufFile;
use super::tokenizer::Tokenizer;

/// GPT-2's split, as `tokenizers` applies it where no expression is given.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// `tokenizer.ggml.token_type`.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Builds the tokenizer of `file`.
///
/// # Errors
/// A sentence naming what is missing or unknown.
pub fn tokenizer(file: &GgufFile) -> Result<Tokenizer, String> {
    let tokens = strings(file, "tokenizer.ggml.tokens")?;
    let vocab: HashMap<String, u32> = tokens.iter().cloned().zip(0..).collect();
    let model = file.metadata("tokenizer.ggml.model").and_then(|value| value.to_string().ok());
    let mut inner = match model.map(String::as_str) {
        Some("gpt2") => byte_level(file, vocab)?,
        Some("llama") => sentence_piece(file, &tokens, vocab)?,
        other => return Err(format!("tokenizer model `{}` is not supported", other.unwrap_or("(none)"))),
    };
    let types: Vec<i64> = match file.metadata("tokenizer.ggml.token_type") {
        Some(Value::Array(types)) => types.iter().map(integer).collect(),
        _ => Vec::new(),
    };
    let added = |kind: i64, special: bool| -> Vec<AddedToken> {
        tokens
            .iter()
            .zip(&types)
            .filter(|(_, token_type)| **token_type == kind)
            .map(|(token, _)| AddedToken::from(token.clone(), special).normalized(false))
            .collect()
    };
    inner.add_special_tokens(added(CONTROL, true)).map_err(|error| error.to_string())?;
    inner.add_tokens(added(USER_DEFINED, false)).map_err(|error| error.to_string())?;
    let id = |key: &str| file.metadata(key).map(|value| integer(value) as u32);
    let bos = id("tokenizer.ggml.bos_token_id");
    let add_bos = match file.metadata("tokenizer.ggml.add_bos_token") {
        Some(Value::Bool(add)) => *add,
        _ => model.is_some_and(|model| model == "llama"),
    };
    if let (Some(bos), true) = (bos, add_bos) {
        let token = tokens.get(bos as usize).ok_or("the beginning-of-text token is outside the vocabulary")?;
        let template = TemplateProcessing::builder()
            .try_single(format!("{token} $A"))
            .map_err(|error| error.to_string())?
            .special_tokens(vec![(token.clone(), bos)])
            .build()
            .map_err(|error| error.to_string())?;
        inner.with_post_processor(Some(template));
    }
    // Turn ends that some files list beside, or instead of, the end-of-text token.
    let mut eos: Vec<u32> =
        id("tokenizer.ggml.eos_token_id").into_iter().chain(id("tokenizer.ggml.eot_token_id")).collect();
    for name in ["<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>"] {
        eos.extend(inner.token_to_id(name));
    }
    eos.sort_unstable();
    eos.dedup();
    Ok(Tokenizer::new(inner, eos))
}

fn byte_level(file: &GgufFile, vocab: HashMap<String, u32>) -> Result<HfTokenizer, String> {
    let merges = strings(file, "tokenizer.ggml.merges")?
        .into_iter()
        .map(|merge| match merge.split_once(' ') {
            Some((left, right)) => Ok((left.to_owned(), right.to_owned())),
            None => Err(format!("merge `{merge}` has no space")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let pre = file.metadata("tokenizer.ggml.pre").and_then(|value| value.to_string().ok());
    let pre = pre.map_or("default", String::as_str);
    // Llama 3 keeps whole words that are in the vocabulary out of the merges.
    let ignore_merges = matches!(pre, "llama-bpe" | "llama3" | "llama-v3");
    let bpe = BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<Vocab>(), merges)
        .ignore_merges(ignore_merges)
        .build()
        .map_err(|error| error.to_string())?;
    let mut inner = HfTokenizer::new(bpe);
    let plain = ByteLevel::new(false, true, true);
    let after_split = ByteLevel::new(false, true, false);
    let split = |expression: &str| -> Result<PreTokenizerWrapper, String> {
        let pattern = SplitPattern::Regex(expression.into());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(|error| error.to_string())?;
        Ok(Sequence::new(vec![split.into(), after_split.into()]).into())
    };
    let pre_tokenizer = match pre {
        "qwen2" => split(QWEN2)?,
        "llama-bpe" | "llama3" | "llama-v3" | "smaug-bpe" => split(LLAMA3)?,
        "smollm" | "exaone" => Sequence::new(vec![Digits::new(true).into(), plain.into()]).into(),
        "default" | "gpt-2" | "exaone4" => plain.into(),
        other => return Err(format!("pre-tokenizer `{other}` is not supported")),
    };
    if pre == "qwen2" {
        inner.with_normalizer(Some(NFC)).map_err(|error| error.to_string())?;
    }
    inner.with_pre_tokenizer(Some(pre_tokenizer));
    inner.with_decoder(Some(ByteLevelDecoder::new(false, true, true)));
    Ok(inner)
}

/// SentencePiece's BPE: pairs merge in the order of the merged piece's score, which the file gives in place of merges.
fn sentence_piece(file: &GgufFile, tokens: &[String], vocab: HashMap<String, u32>) -> Result<HfTokenizer, String> {
    let scores: Vec<f32> = match file.metadata("tokenizer.ggml.scores") {
        Some(Value::Array(scores)) => scores.iter().map(|score| score.to_f32().unwrap_or(0.0)).collect(),
        _ => return Err("`tokenizer.ggml.scores` is missing".into()),
    };
    let mut merges: Vec<(f32, u32, usize, (String, String))> = Vec::new();
    for (piece, &score) in tokens.iter().zip(&scores) {
        let id = vocab[piece];
        for (at, _) in piece.char_indices().skip(1) {
            let (left, right) = piece.split_at(at);
            if vocab.contains_key(left) && vocab.contains_key(right) {
                merges.push((score, id, at, (left.into(), right.into())));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let merges = merges.into_iter().map(|(_, _, _, pair)| pair).collect();
    let bpe = BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<Vocab>(), merges)
        .unk_token("<unk>".into())
        .fuse_unk(true)
        .byte_fallback(true)
        .build()
        .map_err(|error| error.to_string())?;
    let mut inner = HfTokenizer::new(bpe);
    let replace = Replace::new(" ", "▁").map_err(|error| error.to_string())?;
    let add_space = matches!(file.metadata("tokenizer.ggml.add_space_prefix"), Some(Value::Bool(true)) | None);
    if add_space {
        let sequence = NormalizerSequence::new(vec![Prepend::new("▁".into()).into(), replace.into()]);
        inner.with_normalizer(Some(sequence)).map_err(|error| error.to_string())?;
    } else {
        inner.with_normalizer(Some(replace)).map_err(|error| error.to_string())?;
    }
    let back = Replace::new("▁", " ").map_err(|error| error.to_string())?;
    inner.with_decoder(Some(DecoderSequence::new(vec![back.into(), ByteFallback::new().into(), Fuse::new().into()])));
    Ok(inner)
}

fn strings(file: &GgufFile, key: &str) -> Result<Vec<String>, String> {
    let Some(Value::Array(values)) = file.metadata(key) else { return Err(format!("`{key}` is missing")) };
    values
        .iter()
        .map(|value| value.to_string().cloned().map_err(|_| format!("`{key}` holds something else than text")))
        .collect()
}

fn integer(value: &Value) -> i64 {
    match value {
        Value::U8(n) => i64::from(*n),
        Value::I8(n) => i64::from(*n),
        Value::U16(n) => i64::from(*n),
        Value::I16(n) => i64::from(*n),
        Value::U32(n) => i64::from(*n),
        Value::I32(n) => i64::from(*n),
        Value::I64(n) => *n,
        Value::U64(n) => i64::try_from(*n).unwrap_or(-1),
        _ => -1,
    }
}
