//! An embedder small enough for any test: the tiny BERT of `tests/parity`, with a tokenizer that knows a few words and
//! takes the rest by their letters. Its vectors mean little, but equal texts have equal ones.

use std::path::Path;
use std::sync::Arc;

use haetae::index::embed::Embedder;

/// Writes the model in the hub's layout under `folder` and opens it.
pub fn tiny_embedder(folder: &Path) -> Arc<Embedder> {
    let parity = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/bert");
    let model = folder.join("tiny-bert");
    fs_err::create_dir_all(&model).unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs_err::copy(parity.join(name), model.join(name)).unwrap();
    }
    let mut vocabulary = serde_json::Map::new();
    for token in ["[UNK]", "[CLS]", "[SEP]"].into_iter().map(String::from).chain(('a'..='z').map(String::from)) {
        let id = vocabulary.len();
        vocabulary.insert(token, id.into());
    }
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": false},
        "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    });
    fs_err::write(model.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    Arc::new(Embedder::open(&model).unwrap())
}
