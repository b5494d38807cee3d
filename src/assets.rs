//! What is built into the binary: the default corpora, the prompts, the suites, the model catalogue and the page, so
//! that one file is a whole installation. Reads only; knows nothing of what the files mean.

use rust_embed::Embed;

/// `corpora/`: the administration's own default documents.
#[derive(Embed)]
#[folder = "corpora/"]
pub struct Corpora;

/// `prompts/`: one minijinja template a file.
#[derive(Embed)]
#[folder = "prompts/"]
pub struct Prompts;

/// `eval/`: question suites.
#[derive(Embed)]
#[folder = "eval/"]
pub struct Suites;

/// `models/`: the catalogue.
#[derive(Embed)]
#[folder = "models/"]
pub struct Models;

/// The text of an embedded file.
pub fn text<A: Embed>(path: &str) -> Option<String> {
    let file = A::get(path)?;
    Some(String::from_utf8(file.data.into_owned()).expect("embedded files are checked to be UTF-8 by a test"))
}
