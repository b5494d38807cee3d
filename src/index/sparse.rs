//! The full-text index: tantivy, BM25 over asked questions, headings, references and text. Passages themselves live in the
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
    asked: Field,
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
        asked: schema.add_text_field("asked", words(HOUSE, IndexRecordOption::WithFreqs)),
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
    pub fn build(folder: &Path, passages: &[(u64, Passage)], asked: &HashMap<String, String>) -> tantivy::Result<()> {
        let (schema, fields) = schema();
        let index = Index::create_in_dir(folder, schema)?;
        register(&index);
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;
        for (key, passage) in passages {
            let mut document = TantivyDocument::default();
            document.add_u64(fields.key, *key);
            document.add_text(fields.corpus, &passage.corpus);
            // With the title, for a title is what a document is asked for by.
            let questions = asked.get(&passage.document).map_or("", String::as_str);
            document.add_text(fields.asked, format!("{}\n{questions}", passage.title));
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

    /// The passages that share terms with `text`, in `corpora` (all where empty): the best `limit` by each kind of term.
    ///
    /// # Errors
    /// Tantivy's.
    pub fn search(&self, text: &str, corpora: &[String], limit: usize) -> tantivy::Result<HashMap<u64, Matches>> {
        let mut found: HashMap<u64, Matches> = HashMap::new();
        let terms = distinct(text);
        let of_kind = |kinds: &[Kind]| -> Vec<&String> {
            terms.iter().filter(|(_, kind)| kinds.contains(kind)).map(|(term, _)| term).collect()
        };
        let running: &[Field] = &[self.fields.text, self.fields.heading];
        for (key, score) in self.best(of_kind(&[Kind::Word]), running, corpora, limit)? {
            found.entry(key).or_default().words = score;
        }
        for (key, score) in self.best(of_kind(&[Kind::Pair]), running, corpora, limit)? {
            found.entry(key).or_default().pairs = score;
        }
        let places: &[Field] = &[self.fields.text, self.fields.heading, self.fields.refs];
        for (key, score) in self.best(of_kind(&[Kind::Article, Kind::Number]), places, corpora, limit)? {
            found.entry(key).or_default().places = score;
        }
        for (key, score) in self.best(of_kind(&[Kind::Word, Kind::Pair]), &[self.fields.asked], corpora, limit)? {
            found.entry(key).or_default().asked = score;
        }
        Ok(found)
    }

    fn best(
        &self,
        terms: Vec<&String>,
        fields: &[Field],
        corpora: &[String],
        limit: usize,
    ) -> tantivy::Result<Vec<(u64, f32)>> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for term in terms {
            for field in fields {
                let record =
                    if *field == self.fields.refs { IndexRecordOption::Basic } else { IndexRecordOption::WithFreqs };
                let query = TermQuery::new(TantivyTerm::from_field_text(*field, term), record);
                let boost = if *field == self.fields.heading { HEADING_BOOST } else { 1.0 };
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), boost))));
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

/// BM25 scores of one passage by the kind of term shared. They are weighed against each other in the fusion.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Matches {
    pub words: f32,
    /// Pairs of syllables.
    pub pairs: f32,
    /// Articles and numbers.
    pub places: f32,
    /// Words and pairs of the title and the asked questions.
    pub asked: f32,
}

impl Matches {
    /// One score, for those who want one. Pairs repeat what words say, so they count for a third.
    pub fn total(&self) -> f32 {
        self.words + 0.35 * self.pairs + self.places + 0.3 * self.asked
    }
}

/// What a word in a heading counts for, against one in the text: most headings are the same in every document.
const HEADING_BOOST: f32 = 0.3;

/// The terms of a question, each once.
fn distinct(text: &str) -> Vec<(String, Kind)> {
    let terms: HashMap<String, Kind> = analysis::terms(text).into_iter().map(|term| (term.text, term.kind)).collect();
    let mut terms: Vec<_> = terms.into_iter().collect();
    // Float sums depend on their order; a question must score the same each time.
    terms.sort_by(|a, b| a.0.cmp(&b.0));
    terms
}
