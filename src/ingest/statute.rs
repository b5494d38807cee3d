//! Korean law texts: Markdown with the head of the open statute collections (`제목`, `법령구분`, `시행일자`), and lists of
//! articles in JSON (`조번호`, `제목`, `내용`). Out: documents whose articles are headings of the form `제30조(제목)`.
//!
//! The text is cleaned once here (escapes, bold paragraph marks, amendment notes), so that a quotation reads as the law
//! does; spans refer to the cleaned text. Addenda (부칙) are left out: they are transitional, many times the length of
//! the law, and would be found in its place.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::Error;
use super::document::{Authority, Date, Document, document_id};
use crate::lang::Language;

/// The keys read of a statute's head; it has more, and other collections have others.
#[derive(Deserialize)]
struct StatuteHead {
    #[serde(rename = "제목")]
    title: String,
    #[serde(rename = "법령구분", default)]
    kind: String,
    #[serde(rename = "시행일자")]
    effective_from: Option<Date>,
    #[serde(rename = "출처", default)]
    source: String,
}

pub(super) fn is_statute_head(head: &str) -> bool {
    head.lines().any(|line| line.starts_with("제목:"))
}

pub(super) fn from_head(path: &Path, corpus: &str, head: &str, text: &str) -> Result<Document, Error> {
    let head: StatuteHead = serde_yaml_ng::from_str(head).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line() + 1);
        Error::Head { path: path.into(), line, reason: error.to_string() }
    })?;
    Ok(Document {
        id: document_id(corpus, &head.title),
        authority: authority(&head.kind, &head.title),
        title: head.title,
        language: Language::Ko,
        topic: None,
        refs: Vec::new(),
        asked: Vec::new(),
        effective_from: head.effective_from,
        effective_to: None,
        source: head.source,
        corpus: corpus.into(),
        text: clean(text),
    })
}

fn authority(kind: &str, title: &str) -> Authority {
    if kind.ends_with("부령") || kind.contains("총리령") || title.ends_with("시행규칙") {
        Authority::Rule
    } else if kind == "대통령령" || title.ends_with("시행령") {
        Authority::Decree
    } else if title.ends_with("고시") || title.ends_with("훈령") || title.ends_with("예규") {
        Authority::Notice
    } else {
        Authority::Statute
    }
}

static NOTES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[ \t]*[<\[](?:개정|신설|전문개정|본조신설|제목개정|종전|시행일|타법개정)[^>\]\n]*[>\]]")
        .expect("a valid pattern")
});
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\\([.\-*_\[\]()#+!<>~|])").expect("a valid pattern"));
static BOLD_MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\*\*([\u{2460}-\u{2473}\u{3251}-\u{325F}])\*\*").expect("a valid pattern"));
static ARTICLE_HEADING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^(#{1,6} 제\d+조(?:의\d+)?) \(").expect("a valid pattern"));
static CIRCLED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\s+([\u{2460}-\u{2473}\u{3251}-\u{325F}]) ").expect("a valid pattern"));
static ITEM: LazyLock<Regex> = LazyLock::new(|| Regex::new(r" (\d{1,2})(?:의\d{1,2})?\. ").expect("a valid pattern"));

fn clean(text: &str) -> String {
    let law = text.find("\n## 부칙").map_or(text, |addenda| &text[..addenda + 1]);
    let law = NOTES.replace_all(law, "");
    let law = ESCAPES.replace_all(&law, "$1");
    let law = BOLD_MARK.replace_all(&law, "$1");
    ARTICLE_HEADING.replace_all(&law, "$1(").into_owned()
}

/// One list of articles under its name.
#[derive(Deserialize)]
struct ArticleList {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    #[serde(rename = "조번호")]
    number: String,
    #[serde(rename = "제목", default)]
    title: String,
    #[serde(rename = "내용")]
    content: serde_json::Value,
}

/// Documents of a JSON file `{name: {"data": [{"조번호", "제목", "내용"}]}}`. Lists whose contents are not plain text
/// (tables that set three instruments side by side) repeat the others and are passed over.
pub(super) fn from_json(path: &Path, corpus: &str, content: &str) -> Result<Vec<Document>, Error> {
    let lists: serde_json::Map<String, serde_json::Value> = serde_json::from_str(content)
        .map_err(|error| Error::Unreadable { path: path.into(), format: "JSON", reason: error.to_string() })?;
    let mut documents = Vec::new();
    for (name, list) in lists {
        let list: ArticleList = serde_json::from_value(list).map_err(|error| Error::Unreadable {
            path: path.into(),
            format: "a list of articles",
            reason: format!("`{name}`: {error}"),
        })?;
        let mut text = format!("# {name}\n");
        let mut num_articles = 0;
        for article in &list.data {
            let Some(content) = article.content.as_str() else { continue };
            if !article.number.starts_with('제') {
                continue;
            }
            num_articles += 1;
            let title = if article.title.is_empty() { String::new() } else { format!("({})", article.title) };
            let lines = CIRCLED.replace_all(content, "\n\n$1 ");
            let lines: Vec<String> = lines.trim().lines().map(break_items).collect();
            text.push_str(&format!("\n## {}{title}\n\n{}\n", article.number, lines.join("\n")));
        }
        if num_articles == 0 {
            continue;
        }
        documents.push(Document {
            id: document_id(corpus, &name),
            authority: authority("", &name),
            title: name,
            language: Language::Ko,
            topic: None,
            refs: Vec::new(),
            asked: Vec::new(),
            effective_from: None,
            effective_to: None,
            source: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            corpus: corpus.into(),
            text: clean(&text),
        });
    }
    Ok(documents)
}

/// Puts each item of a paragraph on a line of its own. Only the next number in turn is an item; any other is a figure.
fn break_items(paragraph: &str) -> String {
    let mut lines = String::with_capacity(paragraph.len());
    let (mut at, mut last) = (0, 0);
    for item in ITEM.captures_iter(paragraph) {
        let (Some(whole), Some(number)) = (item.get(0), item.get(1).and_then(|n| n.as_str().parse::<u32>().ok()))
        else {
            continue;
        };
        if number == last + 1 || (number == last && whole.as_str().contains('의')) {
            lines.push_str(&paragraph[at..whole.start()]);
            lines.push('\n');
            at = whole.start() + 1;
            last = number;
        }
    }
    lines + &paragraph[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statute_loads_with_its_articles_as_headings() {
        let content = "---\n제목: 관세법\n법령구분: 법률\n시행일자: 2026-01-01\n상태: 시행\n---\n\n# 관세법\n\n\
            ##### 제30조 (과세가격 결정의 원칙)\n\n**①** 수입물품의 과세가격은 거래가격으로 한다. <개정 2013.1.1>\n\n\
            \x20 1\\. 수수료\n\n## 부칙\n\n이 법은 공포한 날부터 시행한다.\n";
        let document = Document::parse(Path::new("관세법.md"), "law", content).expect("a statute");
        assert_eq!((document.id.as_str(), document.authority), ("law-관세법", Authority::Statute));
        assert!(document.text.contains("##### 제30조(과세가격 결정의 원칙)\n\n① 수입물품의"));
        assert!(
            document.text.contains("  1. 수수료") && !document.text.contains("개정") && !document.text.contains("부칙")
        );
    }

    #[test]
    fn a_list_of_articles_becomes_one_document_a_list() {
        let content = r#"{"가격 고시": {"type": "admin", "data": [
            {"조번호": "제2조", "제목": "통화", "내용": "① 원화로 한다. ② 다음 각 호와 같다. 1. 가 2. 나"}]}}"#;
        let documents = from_json(Path::new("notice.json"), "law", content).expect("a list");
        assert_eq!(documents[0].authority, Authority::Notice);
        assert!(documents[0].text.contains("## 제2조(통화)\n\n① 원화로 한다.\n\n② 다음"), "{}", documents[0].text);
        assert!(from_json(Path::new("x.json"), "law", "[1]").is_err());
    }
}
