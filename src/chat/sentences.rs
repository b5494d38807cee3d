//! A stream of text to whole sentences, so that each can be checked before it is shown.

use crate::ingest::sentence::sentences;

/// Collects text until a sentence is certain to have ended.
#[derive(Default)]
pub struct SentenceStream {
    buffer: String,
}

impl SentenceStream {
    /// Adds text; gives the sentences it completes, each with the line breaks before it.
    pub fn push(&mut self, text: &str) -> Vec<String> {
        self.buffer.push_str(text);
        let ranges = sentences(&self.buffer);
        // The last one may go on, and marks that follow a full stop belong to the sentence before it.
        let Some((last, complete)) = ranges.split_last() else { return Vec::new() };
        if complete.is_empty() || is_only_marks(&self.buffer[last.clone()]) {
            return Vec::new();
        }
        let mut cut = last.start;
        cut += marks_len(&self.buffer[cut..]);
        let done: String = self.buffer.drain(..cut).collect();
        split(&done)
    }

    /// What is left when no more text comes.
    pub fn finish(&mut self) -> Vec<String> {
        split(&std::mem::take(&mut self.buffer))
    }
}

/// Sentences of a finished text, marks with the sentence they follow.
fn split(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut start = 0;
    for range in sentences(text).into_iter().skip(1) {
        let end = range.start + marks_len(&text[range.start..]);
        if end > range.start && is_only_marks(&text[range.clone()]) {
            continue;
        }
        out.push(text[start..end].to_owned());
        start = end;
    }
    out.push(text[start..].to_owned());
    out.retain(|sentence| !sentence.trim().is_empty());
    out
}

/// Bytes of the citation marks that `text` begins with.
fn marks_len(text: &str) -> usize {
    let mut len = 0;
    while let Some(rest) = text[len..].trim_start().strip_prefix('[') {
        let Some(end) = rest.find(']') else { break };
        if end == 0 || !rest[..end].chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ') {
            break;
        }
        len = text.len() - rest.len() + end + 1;
    }
    len
}

fn is_only_marks(text: &str) -> bool {
    let len = marks_len(text);
    text[len..].trim_matches(|c: char| c.is_whitespace() || c == '.').is_empty()
        || text.trim_start().starts_with('[') && !text.contains(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(pieces: &[&str]) -> Vec<String> {
        let mut stream = SentenceStream::default();
        let mut out: Vec<String> = pieces.iter().flat_map(|piece| stream.push(piece)).collect();
        out.extend(stream.finish());
        out.into_iter().map(|sentence| sentence.trim().to_owned()).collect()
    }

    #[test]
    fn sentences_come_out_as_they_end() {
        let mut sentences = SentenceStream::default();
        assert!(sentences.push("A commission is ").is_empty());
        assert!(sentences.push("added. ").is_empty());
        assert_eq!(sentences.push("Freight is").len(), 1);
    }

    #[test]
    fn a_mark_after_the_full_stop_stays_with_its_sentence() {
        let text = ["Freight is added. ", "[1", "] Storage is not ", "added [2]. Nothing else is."];
        assert_eq!(stream(&text), ["Freight is added. [1]", "Storage is not added [2].", "Nothing else is."]);
    }

    #[test]
    fn korean_sentences_are_told_apart() {
        let text = ["구매수수료는 가산하지 ", "않습니다 [1]. 중개수수료는 ", "가산합니다 [2]."];
        assert_eq!(stream(&text), ["구매수수료는 가산하지 않습니다 [1].", "중개수수료는 가산합니다 [2]."]);
    }
}
