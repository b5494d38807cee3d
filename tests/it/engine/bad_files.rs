//! Model files that are none: each is refused by an error that names the file, never by a panic.

use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use haetae::config::EngineLimits;
use haetae::engine::{Error, LocalEngine};
use haetae::lang::Language;
use tempfile::tempdir;

use super::SMALL;
use crate::support::home;

fn start(file: &Path) -> Error {
    LocalEngine::start("bad", &[Language::En], file, EngineLimits::default()).err().expect("no sound model")
}

/// The reason given for a file of these bytes.
fn refused(bytes: &[u8]) -> String {
    let folder = tempdir().unwrap();
    let file = folder.path().join("carried.gguf");
    fs_err::write(&file, bytes).unwrap();
    match start(&file) {
        Error::BadModel { path, reason } => {
            assert_eq!(Path::new(&path), file);
            reason
        }
        error => panic!("{error}"),
    }
}

/// A GGUF file with one tensor, and what `metadata` says beyond the architecture.
fn crafted(architecture: &str, metadata: &[(&str, Value)]) -> Vec<u8> {
    let tensor = Tensor::zeros((32, 32), DType::F32, &Device::Cpu).unwrap();
    let tensor = QTensor::quantize(&tensor, GgmlDType::Q8_0).unwrap();
    let name = Value::String(architecture.into());
    let mut all = vec![("general.architecture", &name)];
    all.extend(metadata.iter().map(|(key, value)| (*key, value)));
    let mut file = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut file, &all, &[("token_embd.weight", &tensor)]).unwrap();
    file.into_inner()
}

#[test]
fn a_model_cut_short_is_refused_at_its_header() {
    let whole = fs_err::read(home::model(SMALL).weights()).unwrap();
    assert!(refused(&whole[..whole.len() - 1]).contains("cut short"));
    assert!(refused(&whole[..whole.len() / 2]).contains("cut short"));
    for len in [4, 24, 1000, 100_000] {
        assert!(refused(&whole[..len]).contains("not a GGUF file"), "{len} bytes");
    }
}

#[test]
fn what_is_no_gguf_file_is_refused() {
    assert!(refused(b"").contains("not a GGUF file"));
    assert!(refused(b"<html>not found</html>").contains("not a GGUF file"));
    let garbage: Vec<u8> = (0..4096u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(refused(&garbage).contains("not a GGUF file"));
    let behind_the_magic: Vec<u8> = [b"GGUF\x03\0\0\0".as_slice(), &garbage].concat();
    assert!(refused(&behind_the_magic).contains("not a GGUF file"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = start(Path::new("/nowhere/model.gguf")).to_string();
    assert!(error.contains("/nowhere/model.gguf"), "{error}");
}

#[test]
fn an_architecture_the_decoder_lacks_is_named_with_those_it_has() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("mamba.gguf");
    fs_err::write(&file, crafted("mamba", &[])).unwrap();
    let error = start(&file);
    assert!(
        matches!(&error, Error::UnsupportedArchitecture { architecture, .. } if architecture == "mamba"),
        "{error}"
    );
    let text = error.to_string();
    assert!(text.contains("mamba.gguf") && text.contains("qwen2"), "{text}");
}

#[test]
fn headers_that_lie_are_refused_and_do_not_panic() {
    assert!(refused(&crafted("llama", &[("general.alignment", Value::U32(0))])).contains("`general.alignment` is 0"));
    assert!(refused(&crafted("llama", &[])).contains("`llama.embedding_length` is missing"));
    let numbers = |heads: u32, layers: u64| {
        [
            ("llama.embedding_length", Value::U32(32)),
            ("llama.attention.head_count", Value::U32(heads)),
            ("llama.block_count", Value::U64(layers)),
            ("llama.feed_forward_length", Value::U32(64)),
            ("llama.context_length", Value::U32(64)),
            ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ]
    };
    assert!(refused(&crafted("llama", &numbers(0, 1))).contains("head_count` is missing or not above 0"));
    assert!(refused(&crafted("llama", &numbers(4, 1 << 60))).contains("block_count"));
    assert!(refused(&crafted("llama", &numbers(4, 1))).contains("tokenizer"));
}

#[test]
fn a_header_that_does_not_fit_its_tensors_is_refused_at_load() {
    // The model has 9 heads, and this says 3.
    let mut bytes = fs_err::read(home::model(SMALL).weights()).unwrap();
    let key = b"llama.attention.head_count";
    let at = bytes.windows(key.len() + 1).position(|window| window[..key.len()] == *key && window[key.len()] != b'_');
    let value = at.unwrap() + key.len() + 4;
    assert_eq!(bytes[value], 9);
    bytes[value] = 3;
    let reason = refused(&bytes);
    assert!(reason.contains("blk.0.attn_"), "{reason}");
}
