//! Haetae: the LLM platform of a customs administration. This page is the map of the house.
//!
//! One process holds everything: a language model on a thread of its own, two indexes over the corpora, and an HTTP
//! server. The pipeline, not the model, carries the truth: passages are found and the sentence that decides a question
//! is quoted before the model speaks, and what it says is held to them.
//!
//! # Layers
//!
//! A module uses what lies below it, never what lies above; `tests/it/layering.rs` holds this, and names the few arrows
//! within a layer with their reasons. Within a layer, modules stand in the order data flows.
//!
//! **Edge**: where requests come in and answers go out.
//! - [`cli`]: what can be typed, one file a command.
//! - [`app`]: puts the services together from the settings; the only place that knows them all.
//! - [`http`]: the route table, OpenAI's API, the page and its API.
//! - [`mcp`]: the agent's tools over the Model Context Protocol, and other servers' tools for the agent.
//! - [`eval`]: the question suites, run through the way users' questions take.
//! - [`bench`](mod@bench): speed as a caller meets it, beside llama.cpp's and the machine's bounds; steadiness under load.
//!
//! **Flow**: what is done with a question.
//! - [`agents`]: a request becomes a plan, the plan calls tools, their results an answer that can be traced.
//! - [`chat`]: one turn, from messages to [`chat::Event`]s; the check of the explanation.
//! - [`datasets`]: questions and answers as a store: generated, filtered, reviewed, exported.
//! - [`rag`]: evidence for a question, or the refusal to answer: retrieval, gate, deciding sentence.
//!
//! **Core**: machines that do one thing.
//! - [`engine`]: a language model behind a queue; [`engine::local`] on this machine, [`engine::remote`] elsewhere.
//! - [`index`]: passages in a full-text and a vector index, searched together; generations on disk.
//! - [`ingest`]: files to documents to passages and sentences.
//! - [`models`]: model files, fetched, checked, imported.
//! - [`history`]: conversations in SQLite.
//! - [`responses`]: answers that others go on from, in SQLite.
//! - [`demo`]: an invented world to learn from, with its planted effects.
//! - [`rates`]: exchange rates by the week, duty rates by code.
//! - [`register`]: the administration's tables, looked things up in.
//! - [`network`]: who stands by whom, the ways between them and the patterns they make.
//! - [`profile`]: a company's page, each fact with its source.
//! - [`scoring`]: the traditional models: learnt from tables, scores with reasons.
//! - [`valuation`]: what imported goods are worth by law, and the duty and taxes on that.
//! - [`documents`]: stamps and signatures on scans: found, compared, held to originals.
//!
//! **Base**: words that everyone uses.
//! - [`access`]: what a caller may see and call.
//! - [`config`]: file, environment and flags, resolved once.
//! - [`masking`]: personal data found in text, and replaced.
//! - [`prompts`]: the templates of `prompts/`, with typed variables.
//! - [`legal`]: references such as `KR-CA-30(1)6`, and the articles that a text mentions.
//! - [`kernels`]: arithmetic made for the processor: products with quantised weights, attention, threads.
//! - [`lang`]: the two languages.
//! - [`durable`]: files that outlive a power cut.
//! - [`sqlite`]: files of tables, opened by several processes.
//! - [`assets`]: what is built into the binary.
//! - [`telemetry`]: what is counted, under the names Prometheus reads, and traced, as OpenTelemetry has it.
//!
//! # Flows
//!
//! **A question** (the model id of a corpus, the page, `haetae ask`).
//! [`http::router`] or [`cli`] makes a [`chat::TurnRequest`] of it. [`chat::Chat::turn`] asks [`rag::Rag::find`], which
//! embeds the question, has [`index::Index::search_by`] fuse both indexes, lets the gate judge ([`rag::Judgement`]), and
//! picks the deciding sentence; the outcome is a [`rag::Finding`]. A refusal is said from [`prompts`] and ends the turn;
//! no language model took part. [`rag::Evidence`] is sent at once as [`chat::Event::Evidence`] and
//! [`chat::Event::Quotes`]. Then a prompt is packed to a token budget and submitted to the [`engine::Engine`]; its
//! text is cut into sentences, each is held to the evidence, and what passes goes out as [`chat::Event::Text`], what
//! does not is counted with its [`chat::Disagreement`]. A model that does not write the question's language
//! ([`engine::ModelInfo::languages`]) is not asked: further quoted sentences answer alone.
//!
//! **A bare request** (the language model's own id, `/v1/completions`).
//! [`engine::Engine::submit`] takes a [`engine::GenerateRequest`] or refuses it at once. The model's thread repeats
//! three steps as long as there is work: the scheduler picks tokens under a budget (next tokens first, then prompts by
//! lane, then guesses at what is quoted), the decoder runs them as one batch over the block KV cache, the scheduler takes
//! the logits back and each sequence draws, speaks or ends. Requests join and leave the batch between two steps. A
//! [`engine::TokenStream`] that is dropped cancels its sequence.
//!
//! **A document** (`haetae corpora add` and `build`, the start of `serve`).
//! [`ingest::source_files`] lists the built-in corpora and those under the home folder, [`ingest::documents`] reads a
//! file, [`ingest::chunk::passages`] cuts a document, [`index::embed::Embedder`] makes vectors of passages that are new,
//! and [`index::Index::build`] writes a whole new generation and swaps it in as its last act. A file that cannot be read
//! stands in the [`index::BuildReport`]; a build that fails or is killed leaves the old generation serving.
//!
//! **A request to the agent** (`customs-agent`, `haetae agent`).
//! [`agents::Agents::turn`] reads the request for wishes and what they are about, makes a plan by rules (or has the language
//! model choose one call under the tools' schemas), shows it, and calls the [`agents::Registry`]'s tools, each over one
//! service of the [`agents::Desk`]. [`agents::dossier`] tells what they said; the model's words on it pass only if one
//! finding bears them. What writes waits for a named person in the [`agents::Store`], which keeps every run as a
//! [`agents::Record`]. [`mcp::Server`] offers the same tools to other assistants; [`mcp::client::Client`] is a
//! [`agents::Source`] of foreign ones.
//!
//! **An evaluation** (`haetae eval`).
//! [`eval::retrieval`] and [`eval::abstention`] run a suite through [`rag`], [`eval::answers`] through [`chat`]; each
//! gives an [`eval::Report`] that knows its thresholds, and the exit code says whether they were met.
//!
//! **A score** (`haetae train`, `haetae score`).
//! [`scoring::train`] reads tables through a [`scoring::Mapping`], learns, measures beside other models and gives a
//! [`scoring::Model`], which [`scoring::Shelf`] writes as a version and makes current as its last act;
//! [`scoring::Model::score`] gives rows their probability, level and reasons. [`scoring::hs::train`] and
//! [`scoring::hs::Model::recommend`] do the same for the HS codes of a description.
//!
//! **A customs value** (`haetae value`).
//! [`valuation::Case::read`] reads one import, [`valuation::Case::valid`] holds it to its limits and to the rates of its
//! week, and [`valuation::value`] works through the methods in the law's order into a [`valuation::Worksheet`]. No model
//! takes part.
//!
//! **A company** (`haetae register`, `haetae network`, `haetae profile`).
//! [`register::import()`] takes CSV tables into one SQLite file, all or nothing; [`register::Register`] looks things up in it.
//! [`network::Network::read`] draws the graph of who stands by whom, [`network::Network::survey`] finds patterns and spreads
//! risk. [`profile::profile`] puts a company's facts together, each with the rows it comes from.
//!
//! # Where to begin reading
//!
//! [`chat::Event`] is the vocabulary of an answer, [`rag::Finding`] of evidence, [`engine::Engine`] of generation.

pub mod access;
pub mod agents;
pub mod app;
pub mod assets;
pub mod bench;
pub mod chat;
pub mod cli;
pub mod config;
pub mod datasets;
pub mod demo;
pub mod documents;
pub mod durable;
pub mod engine;
pub mod eval;
pub mod history;
pub mod http;
pub mod index;
pub mod ingest;
pub mod kernels;
pub mod lang;
pub mod legal;
pub mod masking;
pub mod mcp;
pub mod models;
pub mod network;
pub mod profile;
pub mod prompts;
pub mod rag;
pub mod rates;
pub mod register;
pub mod responses;
pub mod scoring;
pub mod sqlite;
pub mod telemetry;
pub mod valuation;
