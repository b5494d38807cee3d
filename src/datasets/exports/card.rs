//! The data card of an export, as the Hugging Face hub reads it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Format;
use crate::datasets::Split;
use crate::datasets::store::{Dataset, Facets};

/// How many rows there are, in the hub's words.
fn size(num_rows: i64) -> &'static str {
    match num_rows {
        ..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "1M<n<10M",
    }
}

/// The card: front matter that says which file is which split, and counts for a reader.
pub(super) fn card(dataset: &Dataset, format: Format, facets: &Facets, counts: &BTreeMap<Split, usize>) -> String {
    let mut card = String::from("---\nlanguage:\n");
    for language in facets.language.keys() {
        let _ = writeln!(card, "- {language}");
    }
    let _ = writeln!(card, "task_categories:\n- question-answering\nsize_categories:\n- {}", size(facets.num_found));
    let _ = writeln!(card, "pretty_name: {}\nconfigs:\n- config_name: default\n  data_files:", dataset.name);
    let extension = match format {
        Format::Parquet => "parquet",
        Format::Csv => "csv",
        _ => "jsonl",
    };
    if format == Format::Beir {
        card.push_str("  - split: queries\n    path: data/queries.jsonl\n");
    } else {
        for split in counts.keys() {
            let _ = writeln!(card, "  - split: {0}\n    path: data/{0}.{extension}", split.name());
        }
    }
    let _ = write!(
        card,
        "---\n\n# {}\n\nQuestions and answers on the corpus `{}`, generated, filtered and reviewed by Haetae. Every answer \
         rests on sentences quoted from the corpus. 말뭉치 `{1}`에 대한 질문과 답으로, 답은 모두 말뭉치의 문장을 근거로 한다.\n\n\
         No document and no near-duplicate question stands in two splits. 한 문서와 서로 비슷한 질문은 한 분할에만 들어 있다.\n\n",
        dataset.name, dataset.corpus
    );
    for (split, num) in counts {
        let _ = writeln!(card, "- {}: {num} rows", split.name());
    }
    for (title, counts) in [
        ("Types", &facets.kind),
        ("Languages", &facets.language),
        ("Personas", &facets.persona),
        ("Difficulty", &facets.difficulty),
    ] {
        let _ = write!(card, "\n## {title}\n\n| | rows |\n|---|---:|\n");
        for (value, num) in counts {
            let _ = writeln!(card, "| {value} | {num} |");
        }
    }
    card.push_str("\nThe SHA-256 of every file stands in `manifest.json`.\n");
    card
}
