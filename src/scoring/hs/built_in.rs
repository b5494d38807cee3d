//! Our own descriptions of the headings, so that there is something to learn from without anyone's tables.
//!
//! Read from the built-in corpus `hs`, one document a chapter and language, one line a heading:
//! `- **8517** Telephones, smartphones, routers.` Out: [`Item`]s that stand for the law, and, for a training without any
//! table, the things that a line lists as descriptions of their own, which can be held out. They end at four digits.

use super::code::{Code, Zeros};
use super::features::normalised;
use super::source::{Item, Kind};
use crate::assets;

/// The corpus they stand in.
const CORPUS: &str = "hs/";

/// One item a heading and language, never held out.
pub fn headings() -> Vec<Item> {
    let described = lines().into_iter().map(|(code, text)| Item {
        kind: Kind::Nomenclature,
        text,
        context: String::new(),
        code,
        asked: String::new(),
        group: String::new(),
    });
    described.collect()
}

/// One item a thing that a heading's description lists.
pub fn things() -> Vec<Item> {
    let listed = lines().into_iter().flat_map(|(code, text)| {
        let things: Vec<Item> = text
            .split([',', ':', '.'])
            .map(str::trim)
            .filter(|thing| !normalised(thing).is_empty())
            .map(|thing| Item {
                kind: Kind::Past,
                text: thing.to_owned(),
                context: String::new(),
                code: code.clone(),
                asked: thing.to_owned(),
                group: normalised(thing),
            })
            .collect();
        things
    });
    listed.collect()
}

fn lines() -> Vec<(Code, String)> {
    let mut names: Vec<String> = assets::Corpora::iter().map(|name| name.into_owned()).collect();
    names.retain(|name| name.starts_with(CORPUS));
    names.sort();
    let mut lines = Vec::new();
    for name in names {
        let Some(text) = assets::text::<assets::Corpora>(&name) else { continue };
        lines.extend(text.lines().filter_map(line));
    }
    lines
}

fn line(line: &str) -> Option<(Code, String)> {
    let (code, text) = line.strip_prefix("- **")?.split_once("** ")?;
    Some((Code::parse(code, Zeros::Kept)?, text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::lang::Language;

    #[test]
    fn every_heading_is_described_once_in_each_language() {
        let mut described: BTreeMap<String, Vec<Language>> = BTreeMap::new();
        for item in headings() {
            assert_eq!(item.code.as_str().len(), 4, "{}", item.text);
            described.entry(item.code.as_str().to_owned()).or_default().push(Language::detect(&item.text));
        }
        assert!(described.len() > 1200, "{} headings", described.len());
        for (code, languages) in described {
            assert_eq!(languages, [Language::En, Language::Ko], "{code}");
        }
    }

    #[test]
    fn a_line_lists_things() {
        let (code, text) = line("- **0902** Tea: green, black.").unwrap();
        assert_eq!((code.as_str(), text.as_str()), ("0902", "Tea: green, black."));
        assert_eq!(line("# HS chapter 9"), None);
        assert!(things().len() > 3000);
    }

    #[test]
    fn the_headings_are_those_of_the_nomenclature() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/hs/harmonized-system.csv");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: the nomenclature is not here (../shared/data/hs/harmonized-system.csv)");
            return;
        };
        let law: BTreeSet<String> = csv::Reader::from_reader(text.as_bytes())
            .records()
            .filter_map(|row| Some(row.ok()?.get(1)?.to_owned()))
            .filter(|code| code.len() == 4)
            .collect();
        let ours: BTreeSet<String> = headings().into_iter().map(|item| item.code.as_str().to_owned()).collect();
        assert_eq!(ours.difference(&law).collect::<Vec<_>>(), Vec::<&String>::new());
        // 9999 is what a statistic could not classify, and nobody's goods.
        assert_eq!(law.difference(&ours).collect::<Vec<_>>(), ["9999"]);
    }
}
