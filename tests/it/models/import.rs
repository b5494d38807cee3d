//! Files carried here by hand.

use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use haetae::models::{Error, Outcome, State, Store, silent};
use tempfile::tempdir;

use super::server::{Server, home_with, noise, store};

/// A GGUF file with one tensor and the header fields an entry is made from.
fn gguf(path: &Path, architecture: &str) {
    let tensor = Tensor::zeros((4, 32), DType::F32, &Device::Cpu).unwrap();
    let tensor = QTensor::quantize(&tensor, GgmlDType::Q8_0).unwrap();
    let key = |name: &str| format!("{architecture}.{name}");
    let fields = [
        ("general.architecture".to_owned(), Value::String(architecture.into())),
        (key("context_length"), Value::U32(2048)),
        (key("block_count"), Value::U32(2)),
        (key("embedding_length"), Value::U32(64)),
        (key("attention.head_count"), Value::U32(4)),
        (key("attention.head_count_kv"), Value::U32(2)),
    ];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let mut file = fs_err::File::create(path).unwrap();
    gguf_file::write(&mut file, &fields, &[("token_embd.weight", &tensor)]).unwrap();
}

fn import(home: &Path, file: &Path) -> Result<(Store, String), Error> {
    let server = Server::start();
    let imported = store(home, &server).import(file, &silent)?;
    Ok((store(home, &server), imported.name))
}

#[test]
fn a_catalogue_file_is_known_whatever_its_name() {
    let (home, carried) = (tempdir().unwrap(), tempdir().unwrap());
    let bytes = noise(1000, 30);
    home_with(home.path(), &bytes, "");
    let file = carried.path().join("usb stick copy");
    fs_err::write(&file, &bytes).unwrap();
    let (store, name) = import(home.path(), &file).unwrap();
    assert_eq!(name, "tiny");
    assert_eq!(store.state(store.catalog().get("tiny").unwrap()), State::Stored);
    fs_err::remove_file(&file).unwrap();
    assert_eq!(fs_err::read(store.ensure("tiny", &silent).unwrap().weights()).unwrap(), bytes);
}

#[test]
fn a_gguf_of_one_s_own_gets_an_entry_that_lasts() {
    let (home, carried) = (tempdir().unwrap(), tempdir().unwrap());
    fs_err::write(home.path().join("catalog.toml"), "# my models\n").unwrap();
    let file = carried.path().join("My Model.gguf");
    gguf(&file, "qwen2");
    let (store, name) = import(home.path(), &file).unwrap();
    assert_eq!(name, "my-model");
    let stored = store.ensure("my-model", &silent).unwrap();
    assert_eq!((stored.entry.architecture.as_str(), stored.entry.context_len), ("qwen2", 2048));
    assert_eq!((stored.entry.kv_values, stored.entry.parameters), (2 * 2 * 2 * 16, 128));
    let text = fs_err::read_to_string(home.path().join("catalog.toml")).unwrap();
    assert!(text.starts_with("# my models\n"), "{text}");
    assert_eq!(import(home.path(), &file).unwrap().1, "my-model", "a second import knows it by its sha256");
}

fn refused(change: impl FnOnce(PathBuf)) -> String {
    let (home, carried) = (tempdir().unwrap(), tempdir().unwrap());
    let file = carried.path().join("own.gguf");
    gguf(&file, "llama");
    change(file.clone());
    let error = import(home.path(), &file).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("own.gguf"), "{error}");
    assert!(!home.path().join("catalog.toml").exists() && !home.path().join("models/own").exists());
    error
}

#[test]
fn a_corrupt_gguf_is_refused_by_its_name() {
    let cut_short = refused(|file| {
        let len = fs_err::metadata(&file).unwrap().len();
        fs_err::OpenOptions::new().write(true).open(&file).unwrap().set_len(len - 40).unwrap();
    });
    assert!(cut_short.contains("cut short"), "{cut_short}");
    let cut_header = refused(|file| fs_err::OpenOptions::new().write(true).open(&file).unwrap().set_len(60).unwrap());
    assert!(cut_header.contains("sound GGUF"), "{cut_header}");
    let no_magic = refused(|file| {
        let mut file = fs_err::OpenOptions::new().write(true).open(&file).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        std::io::Write::write_all(&mut file, b"ZZZZ").unwrap();
    });
    assert!(no_magic.contains("sound GGUF"), "{no_magic}");
    let empty = refused(|file| fs_err::write(file, "").unwrap());
    assert!(empty.contains("sound GGUF"), "{empty}");
}

#[test]
fn an_architecture_the_engine_lacks_is_named() {
    let text = refused(|file| gguf(&file, "mamba"));
    assert!(text.contains("`mamba`") && text.contains("qwen3"), "{text}");
}

#[test]
fn a_name_of_the_catalogue_is_not_taken_by_another_file() {
    let (home, carried) = (tempdir().unwrap(), tempdir().unwrap());
    let file = carried.path().join("qwen3-4b.gguf");
    gguf(&file, "qwen3");
    assert!(matches!(import(home.path(), &file), Err(Error::NameTaken { .. })));
}

#[test]
fn verify_names_what_is_broken_and_the_next_fetch_mends_it() {
    let (home, carried) = (tempdir().unwrap(), tempdir().unwrap());
    let bytes = noise(1000, 31);
    home_with(home.path(), &bytes, "{ path = \"m.bin\" }");
    fs_err::write(home.path().join("m.bin"), &bytes).unwrap();
    let own = carried.path().join("own.gguf");
    gguf(&own, "llama");
    let (store, _) = import(home.path(), &own).unwrap();
    let tiny = store.ensure("tiny", &silent).unwrap().weights().to_owned();
    let outcome = |store: &Store, model: &str| {
        store.verify(&silent).unwrap().into_iter().find(|checked| checked.model == model).unwrap().outcome
    };
    assert_eq!(outcome(&store, "tiny"), Outcome::Sound { bytes: 1000 });
    // The same size and the same time: only a hash can tell.
    let modified = fs_err::metadata(&tiny).unwrap().modified().unwrap();
    fs_err::remove_file(&tiny).unwrap();
    fs_err::write(&tiny, noise(1000, 32)).unwrap();
    fs_err::OpenOptions::new().write(true).open(&tiny).unwrap().into_parts().0.set_modified(modified).unwrap();
    store.ensure("tiny", &silent).unwrap();
    assert!(matches!(outcome(&store, "tiny"), Outcome::Broken { .. }));
    assert!(matches!(outcome(&store, "own"), Outcome::Sound { .. }));
    store.ensure("tiny", &silent).unwrap();
    assert_eq!(fs_err::read(&tiny).unwrap(), bytes);
    assert_eq!(outcome(&store, "tiny"), Outcome::Sound { bytes: 1000 });
}
