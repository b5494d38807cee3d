//! The full-text index: tantivy, BM25 over title, headings, references and text. Passages themselves live in the
//! catalogue; here a passage is its key.

use std::collections::HashMap;
use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{Index, IndexReader, ReloadPolicy, TantivyDocument, Term as TantivyTerm};

use super::Passage;
use super::analysis::{self, HOUSE, HouseTokenizer, Kind, REFERENCES};

/// Memory of the indexing thread; tantivy's least is 15 MB.
const WRITER_BYTES: usize = 64 << 20;

#[derive(Clone, Copy)]
struct Fields {
    key: Field,
    corpus: Field,
    title: Field,
    heading: Field,
    refs: Field,
    text: Field,
}

/// A full-text index open for search.
pub struct Sparse {
    reader: IndexReader,
    fields: Fields,
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = |analyser: &str, record| {
        TextOptions::default()
            .set_indexing_options(TextFieldIndexing::default().set_tokenizer(analyser).set_index_option(record))
    };
    let fields = Fields {
        key: schema.add_u64_field("key", FAST | INDEXED),
        corpus: schema.add_text_field("corpus", STRING),
        title: schema.add_text_field("title", words(HOUSE, IndexRecordOption::WithFreqs)),
        heading: schema.add_text_field("heading", words(HOUSE, IndexRecordOption::WithFreqs)),
        refs: schema.add_text_field("refs", words(REFERENCES, IndexRecordOption::Basic)),
        text: schema.add_text_field("text", words(HOUSE, IndexRecordOption::WithFreqs)),
    };
    (schema.build(), fields)
}

fn register(index: &Index) {
    index.tokenizers().register(HOUSE, TextAnalyzer::from(HouseTokenizer { is_references: false }));
    index.tokenizers().register(REFERENCES, TextAnalyzer::from(HouseTokenizer { is_references: true }));
}

impl Sparse {
    /// Writes a new index of `passages` into the empty folder `folder`.
    ///
    /// # Errors
    /// Tantivy's; a full disk among them.
    pub fn build(folder: &Path, passages: impl Iterator<Item = (u64, Passage)>) -> tantivy::Result<()> {
        let (schema, fields) = schema();
        let index = Index::create_in_dir(folder, schema)?;
        register(&index);
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;
        for (key, passage) in passages {
            let mut document = TantivyDocument::default();
            document.add_u64(fields.key, key);
            document.add_text(fields.corpus, &passage.corpus);
            document.add_text(fields.title, &passage.title);
            document.add_text(fields.heading, &passage.heading);
            document.add_text(fields.refs, passage.refs.join("\n"));
            document.add_text(fields.text, &passage.text);
            writer.add_document(document)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()
    }

    /// # Errors
    /// Tantivy's, where the folder holds no index of this schema.
    pub fn open(folder: &Path) -> tantivy::Result<Self> {
        let index = Index::open_in_dir(folder)?;
        register(&index);
        let (schema, fields) = schema();
        if index.schema() != schema {
            return Err(tantivy::TantivyError::SchemaError("the full-text index has another schema".into()));
        }
        // A generation never changes once it is open, so nothing is watched.
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { reader, fields })
    }

    /// The best passages for `text` in `corpora` (all where empty), best first, with their BM25 scores.
    ///
    /// # Errors
    /// Tantivy's.
    pub fn search(&self, text: &str, corpora: &[String], limit: usize) -> tantivy::Result<Vec<(u64, f32)>> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (term, weight) in distinct(text) {
            let fields = [
                (self.fields.text, 1.0, IndexRecordOption::WithFreqs),
                (self.fields.title, TITLE_BOOST, IndexRecordOption::WithFreqs),
                (self.fields.heading, HEADING_BOOST, IndexRecordOption::WithFreqs),
                (self.fields.refs, REFS_BOOST, IndexRecordOption::Basic),
            ];
            for (field, boost, record) in fields {
                let query = TermQuery::new(TantivyTerm::from_field_text(field, &term), record);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), boost * weight))));
            }
        }
        if clauses.is_empty() {
            return Ok(Vec::new());
        }
        let mut query: Box<dyn Query> = Box::new(BooleanQuery::new(clauses));
        if !corpora.is_empty() {
            let corpora = corpora.iter().map(|corpus| {
                let term = TantivyTerm::from_field_text(self.fields.corpus, corpus);
                (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::Basic)) as Box<dyn Query>)
            });
            let filter = ConstScoreQuery::new(Box::new(BooleanQuery::new(corpora.collect())), 0.0);
            query = Box::new(BooleanQuery::new(vec![(Occur::Must, query), (Occur::Must, Box::new(filter))]));
        }
        let searcher = self.reader.searcher();
        let mut hits = Vec::with_capacity(limit);
        for (score, address) in searcher.search(&query, &TopDocs::with_limit(limit.max(1)))? {
            let keys = searcher.segment_reader(address.segment_ord).fast_fields().u64("key")?;
            let key = keys.first(address.doc_id).expect("every document was written with its key");
            hits.push((key, score));
        }
        Ok(hits)
    }

    /// Inverse document frequency of a term over the running text, as BM25 has it; 0 is in every passage.
    ///
    /// # Errors
    /// Tantivy's.
    pub fn idf(&self, term: &str) -> tantivy::Result<f32> {
        let searcher = self.reader.searcher();
        let frequency = searcher.doc_freq(&TantivyTerm::from_field_text(self.fields.text, term))? as f32;
        let num_passages = searcher.num_docs() as f32;
        Ok((1.0 + (num_passages - frequency + 0.5) / (frequency + 0.5)).ln())
    }
}

/// How much a term in the title, the headings or the references counts for, against one in the text; and a pair of
/// syllables, a number, an article against a word. Tuned by hand on `eval/retrieval/valuation-dev.jsonl`.
const TITLE_BOOST: f32 = 1.5;
const HEADING_BOOST: f32 = 0.6;
const REFS_BOOST: f32 = 0.8;
const PAIR_WEIGHT: f32 = 0.35;
const NUMBER_WEIGHT: f32 = 0.6;
const ARTICLE_WEIGHT: f32 = 1.2;

/// The terms of a question, each once, with its weight.
fn distinct(text: &str) -> Vec<(String, f32)> {
    let mut weights: HashMap<String, f32> = HashMap::new();
    for term in analysis::terms(text) {
        let weight = match term.kind {
            Kind::Word => 1.0,
            Kind::Pair => PAIR_WEIGHT,
            Kind::Number => NUMBER_WEIGHT,
            Kind::Article => ARTICLE_WEIGHT,
        };
        weights.insert(term.text, weight);
    }
    let mut weights: Vec<_> = weights.into_iter().collect();
    // Float sums depend on their order; a question must score the same each time.
    weights.sort_by(|a, b| a.0.cmp(&b.0));
    weights
}
