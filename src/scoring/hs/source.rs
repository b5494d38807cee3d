//! Files of descriptions with their codes. In: CSV or a JSON object from description to code. Out: [`Item`]s.
//!
//! The columns of a CSV are known by their headers, one [`Layout`] after the other; a file that fits none is an error
//! that names them all. Knows nothing of splits or models.
//!
//! What describes a line of a tariff is its own name; where that says only "other", or several lines bear it, the name
//! under those of the places above it and of its class of goods. A place with lines beneath it describes no goods.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::code::{Code, Zeros};
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
    /// What the goods would be called by whoever asks; empty for the law, for English names of lines, and for places
    /// that have lines beneath them.
    #[serde(skip)]
    pub asked: String,
    /// What is held out together: the same description, or the names of one line. Empty for what is never held out.
    #[serde(skip)]
    pub group: String,
}

impl Item {
    /// Whether it says only "other", which is a place among its neighbours and no description.
    pub fn is_residual(&self) -> bool {
        is_residual(&self.text)
    }
}

/// Whether a name says only "other".
pub fn is_residual(text: &str) -> bool {
    ["기타", "그 밖의 것", "other", "others"].contains(&normalised(text).as_str())
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
        let zeros = Zeros::of(codes.values().map(String::as_str));
        let mut items = Vec::new();
        let mut num_refused = 0;
        for (text, code) in codes {
            match Code::parse(&code, zeros) {
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
    Item { kind: Kind::Past, group: normalised(&text), asked: text.clone(), text, context: String::new(), code }
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
    let records: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(unreadable)?;
    let zeros = Zeros::of(records.iter().filter_map(|record| record.get(place(layout.code)?)));
    let mut rows = Vec::new();
    let mut refused = Vec::new();
    for record in &records {
        let field = |header: &str| place(header).and_then(|at| record.get(at)).unwrap_or("").trim();
        let texts: Vec<&str> =
            layout.texts.iter().map(|header| field(header)).filter(|t| !normalised(t).is_empty()).collect();
        match (Code::parse(field(layout.code), zeros), texts.is_empty()) {
            (Some(code), false) => rows.push(Row {
                code,
                texts,
                class: layout.context.map(field).unwrap_or("").trim_matches(['(', ')']),
                parent: layout.parent.and_then(|parent| Code::parse(field(parent), zeros)),
            }),
            // A tariff's tables have a line above all chapters.
            _ if field(layout.code).eq_ignore_ascii_case("total") => {}
            _ => refused.push(record.position().map_or(0, csv::Position::line)),
        }
    }
    let items = match layout.kind {
        Kind::Past => rows.into_iter().map(|row| past(row.texts[0].to_owned(), row.code)).collect(),
        Kind::National => lines(&rows),
        Kind::Nomenclature => law(&rows),
    };
    Ok((items, layout.name, refused))
}

/// What a table says of one code.
struct Row<'a> {
    code: Code,
    /// Its names, one a language.
    texts: Vec<&'a str>,
    class: &'a str,
    parent: Option<Code>,
}

/// Digits of the places that a national tariff has above its lines.
const PLACES_ABOVE: [usize; 6] = [9, 8, 7, 6, 5, 4];

fn lines(rows: &[Row<'_>]) -> Vec<Item> {
    let by_code: HashMap<&str, &Row<'_>> = rows.iter().map(|row| (row.code.as_str(), row)).collect();
    let place_above = |row: &Row<'_>, digits: usize| -> Option<&Row<'_>> {
        let code = row.code.prefix(digits).filter(|_| digits < row.code.as_str().len())?;
        by_code.get(code).copied()
    };
    let places: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| PLACES_ABOVE.iter().filter_map(|digits| place_above(row, *digits)))
        .map(|place| place.code.as_str())
        .collect();
    let mut bearers: HashMap<String, usize> = HashMap::new();
    for row in rows {
        *bearers.entry(normalised(row.texts[0])).or_default() += 1;
    }
    let mut items = Vec::new();
    for row in rows {
        let above = |language: usize| -> String {
            let names = PLACES_ABOVE.iter().filter_map(|digits| place_above(row, *digits)?.texts.get(language));
            let names = names.copied().filter(|name| !is_residual(name));
            let class = (language == 0 && !row.class.is_empty()).then_some(row.class);
            names.chain(class).collect::<Vec<_>>().join("; ")
        };
        let (first, path) = (row.texts[0], above(0));
        let is_residual = is_residual(first);
        let asked = match bearers[&normalised(first)] {
            _ if places.contains(row.code.as_str()) => String::new(),
            1 if !is_residual => first.to_owned(),
            _ if is_residual => path.clone(),
            _ => format!("{first} {path}"),
        };
        let group = normalised(if asked.is_empty() { first } else { &asked });
        items.extend(row.texts.iter().enumerate().map(|(language, text)| Item {
            kind: Kind::National,
            text: (*text).to_owned(),
            context: if language == 0 { path.clone() } else { above(language) },
            code: row.code.clone(),
            asked: if language == 0 { asked.clone() } else { String::new() },
            group: if places.contains(row.code.as_str()) { String::new() } else { group.clone() },
        }));
    }
    items
}

fn law(rows: &[Row<'_>]) -> Vec<Item> {
    let by_code: HashMap<&Code, &Row<'_>> = rows.iter().map(|row| (&row.code, row)).collect();
    let item = |row: &Row<'_>| {
        let mut path = Vec::new();
        let mut at = row.parent.as_ref();
        // A table that names a line as its own ancestor must not hold us.
        while let Some(above) = at.and_then(|code| by_code.get(code)).filter(|_| path.len() < 5) {
            path.push(above.texts[0]);
            at = above.parent.as_ref();
        }
        Item {
            kind: Kind::Nomenclature,
            text: row.texts[0].to_owned(),
            context: path.join("; "),
            code: row.code.clone(),
            asked: String::new(),
            group: String::new(),
        }
    };
    rows.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Vec<Item> {
        table(text, "tariff.csv").unwrap().0
    }

    #[test]
    fn a_name_that_says_too_little_is_asked_under_what_stands_above() {
        let items = read_text(
            "HS부호,한글품목명,영문품목명,성질통합분류코드명\n\
             0305492000,명태,Alaska Pollock,(명태(훈제))\n\
             0307992,건조한 것,Dried,\n\
             0307992100,전복,Abalones,(전복)\n\
             0307992900,기타,Other,(조개류)\n\
             0305511000,건조한 것,Dried,(대구)\n",
        );
        let asked: Vec<(&str, &str)> =
            items.iter().filter(|item| !item.asked.is_empty()).map(|item| (item.code.as_str(), &*item.asked)).collect();
        let expected = [
            ("0305492000", "명태"),
            ("0307992100", "전복"),
            ("0307992900", "건조한 것; 조개류"),
            ("0305511000", "건조한 것 대구"),
        ];
        assert_eq!(asked, expected);
        let english = items.iter().find(|item| item.text == "Other").unwrap();
        assert_eq!((&*english.context, &*english.group), ("Dried", "건조한 것 조개류"));
    }

    #[test]
    fn the_law_stands_under_its_headings() {
        let items = read_text("hscode,description,parent\n09,Tea,TOTAL\n0902,Tea leaves,09\n090210,Green,0902\n");
        assert_eq!(items[2].context, "Tea leaves; Tea");
    }
}
