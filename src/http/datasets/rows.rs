//! Rows of a dataset: listed, searched, counted, shown with their history, edited and judged.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

use super::filter::{Asked, number};
use super::{done, runner};
use crate::datasets::Error;
use crate::http::error::{ApiError, Code};
use crate::http::fields::Fields;
use crate::http::state::AppState;

/// Most rows of one act of review.
const MAX_BULK: usize = 1000;
/// Longest name of a reviewer, in characters.
const MAX_NAME: usize = 80;

type Pairs = Query<Vec<(String, String)>>;

pub async fn list(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(query): Pairs,
) -> Result<Json<Value>, ApiError> {
    let (runner, asked) = (runner(&state)?, Asked::read(&query)?);
    done(move || {
        let dataset = runner.store().dataset(&name)?;
        Ok(json!(runner.store().list(&dataset, &asked.filter, asked.after, asked.limit)?))
    })
    .await
}

pub async fn facets(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(query): Pairs,
) -> Result<Json<Value>, ApiError> {
    let (runner, asked) = (runner(&state)?, Asked::read(&query)?);
    done(move || {
        let dataset = runner.store().dataset(&name)?;
        Ok(json!(runner.store().facets(&dataset, &asked.filter)?))
    })
    .await
}

/// What waits for a reviewer.
pub async fn queue(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(query): Pairs,
) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    let (mut by, mut limit) = (None, 20);
    for (param, value) in query {
        match param.as_str() {
            "by" => by = Some(person("by", value)?),
            "limit" => limit = number("limit", &value, 1, 200)? as usize,
            other => return Err(ApiError::unsupported(other, "a queue is asked for by `by` and `limit`")),
        }
    }
    let by = by.ok_or_else(|| ApiError::new(Code::MissingParameter, "`by` is missing").on("by"))?;
    done(move || {
        let dataset = runner.store().dataset(&name)?;
        Ok(json!({"rows": runner.store().queue(&dataset, &by, limit)?}))
    })
    .await
}

pub async fn show(
    State(state): State<AppState>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (runner, id) = (runner(&state)?, number("row", &id, 1, i64::MAX)?);
    done(move || row(runner.store(), &name, id)).await
}

pub async fn edit(
    State(state): State<AppState>,
    Path((name, id)): Path<(String, String)>,
    mut fields: Fields,
) -> Result<Json<Value>, ApiError> {
    let (runner, id) = (runner(&state)?, number("row", &id, 1, i64::MAX)?);
    let by = person("by", fields.required("by")?)?;
    let mut changes: Vec<(&str, String)> = Vec::new();
    for field in ["question", "answer"] {
        if let Some(text) = fields.optional::<String>(field)? {
            changes.push((field, text));
        }
    }
    if changes.is_empty() {
        return Err(ApiError::invalid("question", "given, or `answer`", "neither"));
    }
    done(move || {
        let dataset = runner.store().dataset(&name)?;
        runner.store().edit(&dataset, id, &by, &changes)?;
        row(runner.store(), &name, id)
    })
    .await
}

enum Act {
    Approve,
    Reject(String),
    Assign(Option<String>),
}

/// One act on one row or many: all of them are there, or nothing is done.
pub async fn review(
    State(state): State<AppState>,
    Path(name): Path<String>,
    mut fields: Fields,
) -> Result<Json<Value>, ApiError> {
    let runner = runner(&state)?;
    let by = person("by", fields.required("by")?)?;
    let rows: Vec<i64> = fields.required("rows")?;
    if !(1..=MAX_BULK).contains(&rows.len()) {
        return Err(ApiError::invalid("rows", &format!("a list of 1 to {MAX_BULK} rows"), rows.len()));
    }
    let act: String = fields.required("act")?;
    let act = match act.as_str() {
        "approve" => Act::Approve,
        "reject" => {
            let reason: String = fields.required("reason")?;
            if reason.trim().is_empty() {
                return Err(ApiError::invalid("reason", "why the rows are bad", "an empty text"));
            }
            Act::Reject(reason)
        }
        "assign" => {
            let to: Option<String> = fields.optional("to")?;
            Act::Assign(to.map(|to| person("to", to)).transpose()?)
        }
        other => return Err(ApiError::invalid("act", "`approve`, `reject` or `assign`", format!("`{other}`"))),
    };
    done(move || {
        let store = runner.store();
        let dataset = store.dataset(&name)?;
        for id in &rows {
            store.row(&dataset, *id)?;
        }
        match &act {
            Act::Assign(to) => store.assign(&rows, to.as_deref())?,
            Act::Approve => rows.iter().try_for_each(|id| store.approve(&dataset, *id, &by).map(|_| ()))?,
            Act::Reject(reason) => {
                rows.iter().try_for_each(|id| store.reject(&dataset, *id, &by, reason).map(|_| ()))?;
            }
        }
        let states = rows.iter().map(|id| Ok(json!({"id": id, "state": store.row(&dataset, *id)?.state})));
        Ok(json!({"rows": states.collect::<Result<Vec<_>, Error>>()?}))
    })
    .await
}

/// A row with all that was ever done to it.
fn row(store: &crate::datasets::Store, name: &str, id: i64) -> Result<Value, Error> {
    let dataset = store.dataset(name)?;
    let mut shown = json!(store.row(&dataset, id)?);
    shown["assignee"] = json!(store.assignee(id)?);
    shown["judgements"] = json!(store.judgements(id)?);
    shown["edits"] = json!(store.edits(id)?);
    Ok(shown)
}

fn person(param: &str, name: String) -> Result<String, ApiError> {
    let name = name.trim().to_owned();
    let name_len = name.chars().count();
    if !(1..=MAX_NAME).contains(&name_len) {
        return Err(ApiError::invalid(param, &format!("a name of 1 to {MAX_NAME} characters"), name_len));
    }
    Ok(name)
}
