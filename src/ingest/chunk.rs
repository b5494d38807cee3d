//! A document to passages: stretches of a size that an embedder reads whole and a reader takes in at once, never across a
//! heading, never through a table, split between sentences only.
//!
//! A legal article is a section, so each of its passages carries `제30조(제목)` as the last of its headings.

use std::ops::Range;

use super::sentence::sentences;
use super::{Document, Passage};
use crate::lang::is_hangul;

/// Counts up whenever the same document would be cut differently; part of what the index remembers of a document.
pub const CHUNKER_VERSION: u32 = 1;

/// Most tokens of a passage, as estimated; the embedder's own limit is 512.
const MAX_TOKENS: usize = 230;

/// Tokens of the multilingual embedder that `text` will take, within a tenth: 0.62 a Hangul syllable, 0.27 any other
/// character (measured over the valuation corpus).
fn estimate_tokens(text: &str) -> usize {
    let hangul = text.chars().filter(|c| is_hangul(*c)).count();
    let others = text.chars().count() - hangul;
    (hangul * 62 + others * 27) / 100 + 1
}

/// Blocks are what is kept whole if it can be.
struct Block {
    span: Range<usize>,
    is_table: bool,
}

/// The passages of `document`, in order.
pub fn passages(document: &Document) -> Vec<Passage> {
    let text = &document.text;
    let mut passages = Vec::new();
    let mut headings: Vec<(usize, String)> = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut in_code = false;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let span = offset..offset + line.trim_end().len();
        offset += line.len();
        let content = line.trim();
        if content.starts_with("```") {
            in_code = !in_code;
        }
        if !in_code && let Some((level, title)) = heading(content) {
            blocks.extend(open.take());
            flush(document, &headings, &mut blocks, &mut passages);
            headings.retain(|(above, _)| *above < level);
            headings.push((level, title.to_owned()));
            continue;
        }
        if content.is_empty() && !in_code {
            blocks.extend(open.take());
            continue;
        }
        let is_table = content.starts_with('|');
        match &mut open {
            Some(block) if block.is_table == is_table => block.span.end = span.end,
            _ => {
                blocks.extend(open.take());
                open = Some(Block { span, is_table });
            }
        }
    }
    blocks.extend(open);
    flush(document, &headings, &mut blocks, &mut passages);
    passages
}

/// Level and title of an ATX heading line.
fn heading(line: &str) -> Option<(usize, &str)> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    let title = title.strip_prefix(' ')?.trim();
    ((1..=6).contains(&level) && !title.is_empty()).then_some((level, title))
}

/// Packs the blocks of one section.
fn flush(document: &Document, headings: &[(usize, String)], blocks: &mut Vec<Block>, passages: &mut Vec<Passage>) {
    let text = &document.text;
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for block in blocks.drain(..) {
        if block.is_table || estimate_tokens(&text[block.span.clone()]) <= MAX_TOKENS {
            pieces.push(block.span);
        } else {
            split_block(text, block.span, &mut pieces);
        }
    }
    let mut open: Option<Range<usize>> = None;
    for piece in pieces {
        match &mut open {
            Some(span) if estimate_tokens(&text[span.start..piece.end]) <= MAX_TOKENS => span.end = piece.end,
            _ => {
                emit(document, headings, open.take(), passages);
                open = Some(piece);
            }
        }
    }
    emit(document, headings, open, passages);
}

/// Cuts a long block at its sentences; a sentence without an end (a list of codes) at blanks.
fn split_block(text: &str, span: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    let mut start = span.start;
    let ends = sentences(&text[span.clone()]).into_iter().map(|sentence| span.start + sentence.end);
    for end in ends.chain([span.end]) {
        while estimate_tokens(&text[start..end]) > 2 * MAX_TOKENS {
            // 2 bytes a token is less than either language takes, so the cut stays within the limit.
            let mut cut = text.floor_char_boundary(start + 2 * MAX_TOKENS);
            cut = text[start..cut].rfind(char::is_whitespace).map_or(cut, |blank| start + blank).max(start + 4);
            cut = text.ceil_char_boundary(cut);
            push_trimmed(text, start..cut, pieces);
            start = cut;
        }
        push_trimmed(text, start..end, pieces);
        start = end;
    }
}

fn push_trimmed(text: &str, span: Range<usize>, pieces: &mut Vec<Range<usize>>) {
    let piece = &text[span.clone()];
    let start = span.start + piece.len() - piece.trim_start().len();
    let end = span.start + piece.trim_end().len();
    if start < end {
        pieces.push(start..end);
    }
}

fn emit(document: &Document, headings: &[(usize, String)], span: Option<Range<usize>>, passages: &mut Vec<Passage>) {
    let Some(span) = span else { return };
    // The title opens most documents as their first heading; once is enough.
    let names = headings.iter().map(|(_, title)| title.as_str()).filter(|title| *title != document.title);
    passages.push(Passage {
        id: format!("{}#{}", document.id, passages.len()),
        document: document.id.clone(),
        corpus: document.corpus.clone(),
        title: document.title.clone(),
        heading: names.collect::<Vec<_>>().join(" > "),
        language: document.language,
        topic: document.topic,
        refs: document.refs.clone(),
        authority: document.authority.as_str().into(),
        text: document.text[span.clone()].to_owned(),
        span,
    });
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str) -> Vec<Passage> {
        passages(&Document::without_head(Path::new("x.md"), "test", text.to_owned()))
    }

    #[test]
    fn passages_stop_at_headings_and_carry_them() {
        let passages = cut("# Freight\n\nShort answer.\n\n## Rule\nFreight is added.\n\n### Sea\nBy sea too.\n");
        let found: Vec<_> = passages.iter().map(|p| (p.heading.as_str(), p.text.as_str())).collect();
        assert_eq!(found, [("", "Short answer."), ("Rule", "Freight is added."), ("Rule > Sea", "By sea too.")]);
    }

    #[test]
    fn an_article_of_many_paragraphs_keeps_its_heading_on_each_passage() {
        let paragraph = "① 수입물품의 과세가격은 구매자가 실제로 지급하였거나 지급하여야 할 가격으로 한다. ".repeat(4);
        let passages = cut(&format!("# 관세법\n\n##### 제30조(원칙)\n\n{}", format!("{paragraph}\n\n").repeat(6)));
        assert!(passages.len() > 2);
        assert!(passages.iter().all(|p| p.heading == "제30조(원칙)" && estimate_tokens(&p.text) <= MAX_TOKENS));
    }

    #[test]
    fn a_table_is_kept_whole() {
        let table = format!("| a | b |\n| --- | --- |\n{}", "| some cell | another cell |\n".repeat(80));
        assert_eq!(cut(&table).len(), 1);
    }

    proptest! {
        #[test]
        fn spans_are_the_text_in_order_and_lose_no_word(text in "(# [a-z]{1,5}\n|[a-z가-힣]{1,30}[.] ?|\n|\\| x \\|\n|[가-힣]{200}){0,40}") {
            let document = Document::without_head(Path::new("x.md"), "test", text);
            let passages = passages(&document);
            let mut end = 0;
            for passage in &passages {
                prop_assert!(passage.span.start >= end);
                prop_assert_eq!(&document.text[passage.span.clone()], &passage.text);
                end = passage.span.end;
            }
            let kept: usize = passages.iter().map(|p| p.text.chars().filter(|c| c.is_alphanumeric()).count()).sum();
            let written: usize = document.text.lines().filter(|line| heading(line.trim()).is_none())
                .map(|line| line.chars().filter(|c| c.is_alphanumeric()).count()).sum();
            prop_assert_eq!(kept, written);
        }
    }
}
