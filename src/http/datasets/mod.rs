//! `/api/datasets…`: datasets with their generations, coverage and exports. Rows and their review are in [`rows`].
//!
//! In: names, settings, acts. Out: what the store holds. The work itself is the [`Runner`]'s, which goes on whether
//! anyone asks or not.

mod export;
mod filter;
pub mod rows;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::{ApiError, Code};
use super::fields::{self, Fields};
use super::state::{AppState, blocking};
use crate::datasets::jobs::{self, Hole};
use crate::datasets::store::{Dataset, Job};
use crate::datasets::{Error, GenerationConfig, MAX_PREVIEW, Persona, QuestionType, Run, Runner, agreement, topic_of};
use crate::lang::Language;

pub use export::download;

/// A generation with its pace.
#[derive(Serialize)]
struct JobView {
    #[serde(flatten)]
    job: Job,
    /// Absent where this server is not at it.
    run: Option<Run>,
}

/// A dataset with its generation.
#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    dataset: Dataset,
    job: Option<JobView>,
}

pub async fn list(State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    done(move || {
        let views = runner.store().datasets()?.into_iter().map(|dataset| view(&runner, dataset));
        Ok(json!({"datasets": views.collect::<Result<Vec<_>, Error>>()?}))
    })
    .await
}

pub async fn create(State(state): State<AppState>, mut fields: Fields) -> Result<(StatusCode, Json<Value>), ApiError> {
    let runner = runner(&state)?;
    let name: String = fields.required("name")?;
    let config = read_config(&mut fields)?;
    let made = done(move || {
        let (dataset, _) = runner.begin(&name, &config)?;
        Ok(json!(view(&runner, dataset)?))
    });
    Ok((StatusCode::CREATED, made.await?))
}

pub async fn preview(State(state): State<AppState>, mut fields: Fields) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    let num = fields.optional("rows")?.unwrap_or(5);
    if !(1..=MAX_PREVIEW).contains(&num) {
        return Err(ApiError::invalid("rows", &format!("between 1 and {MAX_PREVIEW}"), num));
    }
    let config = read_config(&mut fields)?;
    let runtime = tokio::runtime::Handle::current();
    // Filters take their time, and an async thread must not be kept from its answers meanwhile.
    done(move || Ok(json!(runtime.block_on(runner.preview(&config, num))?))).await
}

pub async fn show(State(state): State<AppState>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    done(move || {
        let dataset = runner.store().dataset(&name)?;
        let (versions, review) = (runner.store().versions(dataset.id)?, agreement(runner.store(), &dataset)?);
        let mut shown = json!(view(&runner, dataset)?);
        shown["versions"] = json!(versions);
        shown["review"] = json!(review);
        Ok(shown)
    })
    .await
}

pub async fn job(
    State(state): State<AppState>,
    Path(name): Path<String>,
    mut fields: Fields,
) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    let act: String = fields.required("act")?;
    let act: fn(&Runner, &Dataset) -> Result<(), Error> = match act.as_str() {
        "pause" => |runner, dataset| jobs::pause(runner.store(), dataset),
        "resume" => Runner::resume,
        "cancel" => |runner, dataset| jobs::cancel(runner.store(), dataset),
        other => return Err(ApiError::invalid("act", "`pause`, `resume` or `cancel`", format!("`{other}`"))),
    };
    done(move || {
        let dataset = runner.store().dataset(&name)?;
        act(&runner, &dataset)?;
        Ok(json!(view(&runner, dataset)?))
    })
    .await
}

/// The map of what is covered: its axes, and the cells that hold rows. Every other cell is a hole.
pub async fn coverage(State(state): State<AppState>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    done(move || {
        let store = runner.store();
        let dataset = store.dataset(&name)?;
        let mut titles: Map<String, Value> = Map::new();
        for document in runner.documents(&dataset.corpus)? {
            let topic = titles.entry(topic_of(&document)).or_insert_with(|| json!({}));
            topic[document.language.code()] = document.title.into();
        }
        let cells = store.coverage(dataset.id)?;
        for cell in &cells {
            titles.entry(cell.topic.clone()).or_insert_with(|| json!({}));
        }
        let mut topics: Vec<Value> =
            titles.into_iter().map(|(topic, titles)| json!({"topic": topic, "titles": titles})).collect();
        topics.sort_by_key(|topic| {
            let name = topic["topic"].as_str().unwrap_or_default().to_owned();
            (name.parse().unwrap_or(u32::MAX), name)
        });
        let types: Vec<_> = QuestionType::ALL.iter().filter(|kind| **kind != QuestionType::Other).collect();
        let num_cells = topics.len() * types.len() * Persona::ALL.len() * 2;
        let num_filled = cells.iter().filter(|cell| cell.kind != QuestionType::Other.name()).count();
        Ok(json!({
            "topics": topics,
            "types": types,
            "personas": Persona::ALL,
            "languages": [Language::Ko, Language::En],
            "cells": cells,
            "num_cells": num_cells,
            "num_filled": num_filled,
        }))
    })
    .await
}

pub async fn fill(
    State(state): State<AppState>,
    Path(name): Path<String>,
    mut fields: Fields,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let runner = runner(&state)?;
    let hole = Hole {
        topic: fields.required("topic")?,
        kind: fields.required("type")?,
        persona: fields.required("persona")?,
        language: fields.required("language")?,
        rows: fields.optional("rows")?.unwrap_or(1),
    };
    let begun = done(move || {
        let dataset = runner.store().dataset(&name)?;
        runner.fill(&dataset, &hole)?;
        Ok(json!(view(&runner, dataset)?))
    });
    Ok((StatusCode::CREATED, begun.await?))
}

fn view(runner: &Runner, dataset: Dataset) -> Result<View, Error> {
    let job = runner.store().job(&dataset)?;
    let job = job.map(|job| JobView { run: runner.progress(&dataset.name, &job), job });
    Ok(View { dataset, job })
}

/// The settings of a generation; each may be left out.
fn read_config(fields: &mut Fields) -> Result<GenerationConfig, ApiError> {
    match fields.optional::<Value>("config")? {
        None => Ok(GenerationConfig::default()),
        Some(config) => fields::convert("config", config),
    }
}

fn runner(state: &AppState) -> Result<Runner, ApiError> {
    let missing = || ApiError::new(Code::NoDatasets, "datasets are not at hand here");
    state.datasets.clone().ok_or_else(missing)
}

/// Does what blocks, away from the async threads.
async fn done<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<Json<T>, ApiError> {
    blocking(work).await?.map(Json).map_err(failed)
}

fn failed(error: Error) -> ApiError {
    // The hints speak of the command line.
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default().to_owned();
    match error {
        Error::Unknown { .. } => ApiError::new(Code::DatasetNotFound, text).on("name"),
        Error::UnknownRow { .. } => ApiError::new(Code::RowNotFound, text).on("row"),
        Error::BadName { .. } => ApiError::new(Code::InvalidValue, text).on("name"),
        Error::Exists { .. } | Error::OtherSettings { .. } => ApiError::new(Code::DatasetExists, text).on("name"),
        Error::NoJob { .. } | Error::Unfinished { .. } | Error::Busy { .. } => ApiError::new(Code::WrongState, text),
        Error::SaysTheSame { .. } => ApiError::new(Code::WrongState, text),
        Error::NothingToAsk { .. } => ApiError::new(Code::InvalidValue, text).on("topic"),
        Error::EmptyCorpus { .. } => ApiError::new(Code::InvalidValue, text).on("config.corpus"),
        Error::Config { .. } => {
            let param = text.split('`').nth(1).map_or_else(|| "config".to_owned(), |key| format!("config.{key}"));
            ApiError::new(Code::InvalidValue, text).on(param)
        }
        Error::Review { .. } => {
            let param = text.split('`').nth(1).unwrap_or("by").to_owned();
            ApiError::new(Code::InvalidValue, text).on(param)
        }
        error => ApiError::internal(&error),
    }
}
