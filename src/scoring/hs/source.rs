//! Files of descriptions with their codes. In: CSV or a JSON object from description to code. Out: [`Item`]s.
//!
//! The columns of a CSV are known by their headers, one [`Layout`] after the other; a file that fits none is an error
//! that names them all. Knows nothing of splits or models.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::features::normalised;
use crate::scoring::Error;
use crate::scoring::artefact::hex_sha256;
use crate::scoring::table::Decoder;

/// What a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words of a trader or a parcel that were classified before.
    Past,
    /// The name of a line of a national tariff.
    National,
    /// The text of the Harmonized System; law, so never held out.
    Nomenclature,
}

/// A description with its code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub kind: Kind,
    pub text: String,
    /// What stands above it in a nomenclature: it means little without.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub context: String,
    pub code: Code,
    /// What is held out together: the same words, or the names of one line. Empty for what is never held out.
    #[serde(skip)]
    pub group: String,
}

impl Item {
    /// Whether it says only "other", which is a place among its neighbours and no description.
    pub fn is_residual(&self) -> bool {
        let text = normalised(&self.text);
        ["기타", "그 밖의 것", "other", "others"].contains(&text.as_str())
    }
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileRead {
    pub name: String,
    pub layout: &'static str,
    pub sha256: String,
    pub rows: usize,
    /// Lines that could not be used: without a description or with a code that is none.
    pub refused: Vec<u64>,
}

/// Headers of one sort of file.
struct Layout {
    name: &'static str,
    kind: Kind,
    code: &'static str,
    texts: &'static [&'static str],
    context: Option<&'static str>,
    /// The code of the line above.
    parent: Option<&'static str>,
}

const LAYOUTS: [Layout; 4] = [
    Layout {
        name: "kr-tariff",
        kind: Kind::National,
        code: "HS부호",
        texts: &["한글품목명", "영문품목명"],
        context: Some("성질통합분류코드명"),
        parent: None,
    },
    Layout {
        name: "harmonized-system",
        kind: Kind::Nomenclature,
        code: "hscode",
        texts: &["description"],
        context: None,
        parent: Some("parent"),
    },
    Layout {
        name: "uk-references",
        kind: Kind::Past,
        code: "Commodity Code",
        texts: &["Goods Description"],
        context: None,
        parent: None,
    },
    Layout {
        name: "descriptions",
        kind: Kind::Past,
        code: "code",
        texts: &["description"],
        context: None,
        parent: None,
    },
];

/// Most lines of a file, as a share of all, that may be unusable.
const MAX_REFUSED: f64 = 0.05;

/// All items of a file.
///
/// # Errors
/// A file that cannot be read, fits no layout, or has too many lines that cannot be used.
pub fn read(path: &Path) -> Result<(Vec<Item>, FileRead), Error> {
    let (bytes, name) = bytes(path)?;
    let text = decoded(&bytes, &name)?;
    let (items, layout, refused) = if text.trim_start().starts_with('{') {
        let codes: HashMap<String, String> =
            serde_json::from_str(&text).map_err(|error| Error::NotReferences { name: name.clone(), source: error })?;
        let mut items = Vec::new();
        let mut num_refused = 0;
        for (text, code) in codes {
            match Code::parse(&code) {
                Some(code) => items.push(past(text, code)),
                None => num_refused += 1,
            }
        }
        // A map has no order of its own.
        items.sort_by(|a, b| a.text.cmp(&b.text));
        (items, "references", vec![0; num_refused])
    } else {
        table(&text, &name)?
    };
    let rows = items.len() + refused.len();
    if items.is_empty() {
        return Err(Error::NoRows { name });
    }
    if refused.len() as f64 > MAX_REFUSED * rows as f64 {
        let lines = refused.iter().take(10).map(u64::to_string).collect::<Vec<_>>().join(", ");
        return Err(Error::BadDescriptions { name, refused: refused.len(), rows, lines });
    }
    Ok((items, FileRead { name, layout, sha256: hex_sha256(&bytes), rows, refused }))
}

/// The first column of a file without a header: texts too vague to be classified.
///
/// # Errors
/// A file that cannot be read.
pub fn vague(path: &Path) -> Result<(Vec<String>, FileRead), Error> {
    let (bytes, name) = bytes(path)?;
    let text = decoded(&bytes, &name)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut texts = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| Error::Unreadable { name: name.clone(), source: error.into() })?;
        texts.extend(record.get(0).filter(|text| !text.trim().is_empty()).map(str::to_owned));
    }
    if texts.is_empty() {
        return Err(Error::NoRows { name });
    }
    let rows = texts.len();
    Ok((texts, FileRead { name, layout: "vague", sha256: hex_sha256(&bytes), rows, refused: Vec::new() }))
}

fn bytes(path: &Path) -> Result<(Vec<u8>, String), Error> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => Ok((bytes, name)),
        Err(source) => Err(Error::Unreadable { name, source }),
    }
}

/// UTF-8 or CP949, whichever all of it is.
fn decoded(bytes: &[u8], name: &str) -> Result<String, Error> {
    let mut decoder = Decoder::default();
    decoder.settle(bytes).map_err(|_| Error::NeitherEncoding { name: name.into() })?;
    Ok(decoder.text(bytes).trim_start_matches('\u{feff}').to_owned())
}

fn past(text: String, code: Code) -> Item {
    Item { kind: Kind::Past, group: normalised(&text), text, context: String::new(), code }
}

fn table(text: &str, name: &str) -> Result<(Vec<Item>, &'static str, Vec<u64>), Error> {
    let unreadable = |error: csv::Error| Error::Unreadable { name: name.into(), source: error.into() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(|h| h.trim().to_owned()).collect();
    let place = |header: &str| headers.iter().position(|found| found == header);
    let fits = |layout: &&Layout| {
        layout.texts.iter().copied().chain([layout.code]).chain(layout.parent).all(|header| place(header).is_some())
    };
    let layout = LAYOUTS.iter().find(fits).ok_or_else(|| Error::UnknownLayout {
        name: name.into(),
        found: headers.join("`, `"),
        known: LAYOUTS
            .iter()
            .map(|layout| format!("`{}` and `{}`", layout.code, layout.texts[0]))
            .collect::<Vec<_>>()
            .join(", "),
    })?;
    let mut items = Vec::new();
    let mut refused = Vec::new();
    let mut parents: HashMap<Code, (String, Option<Code>)> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let field = |header: &str| place(header).and_then(|at| record.get(at)).unwrap_or("").trim();
        let code = Code::parse(field(layout.code));
        let texts: Vec<&str> =
            layout.texts.iter().map(|header| field(header)).filter(|t| !normalised(t).is_empty()).collect();
        let (Some(code), Some(first)) = (code, texts.first()) else {
            // A tariff's tables have a line above all chapters.
            if !field(layout.code).eq_ignore_ascii_case("total") {
                refused.push(record.position().map_or(0, csv::Position::line));
            }
            continue;
        };
        let context = layout.context.map(field).unwrap_or("").trim_matches(['(', ')']).to_owned();
        let group = if layout.kind == Kind::Nomenclature { String::new() } else { normalised(first) };
        if let Some(parent) = layout.parent {
            parents.insert(code.clone(), ((*first).to_owned(), Code::parse(field(parent))));
        }
        items.extend(texts.iter().map(|text| Item {
            kind: layout.kind,
            text: (*text).to_owned(),
            context: context.clone(),
            code: code.clone(),
            group: group.clone(),
        }));
    }
    for item in &mut items {
        let above = |code: &Code| parents.get(code).and_then(|(_, parent)| parent.as_ref());
        let mut path = Vec::new();
        let mut at = above(&item.code);
        while let Some((text, _)) = at.and_then(|code| parents.get(code)) {
            path.push(text.as_str());
            // A table that names a line as its own ancestor must not hold us.
            at = at.and_then(above).filter(|_| path.len() < 5);
        }
        if !path.is_empty() {
            item.context = path.join("; ");
        }
    }
    Ok((items, layout.name, refused))
}
