//! The query of a list of rows, read with every value checked: what is misspelt is told, not ignored.

use crate::datasets::store::Filter;
use crate::datasets::{Difficulty, Persona, QuestionType, Split, State};
use crate::http::error::ApiError;
use crate::lang::Language;

/// Most rows of a page.
const MAX_ROWS: usize = 200;

/// Rows asked for.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub filter: Filter,
    pub after: i64,
    pub limit: usize,
}

impl Asked {
    /// # Errors
    /// `invalid_value`, naming the parameter.
    pub fn read(query: &[(String, String)]) -> Result<Self, ApiError> {
        let mut asked = Self { filter: Filter::default(), after: 0, limit: 50 };
        let filter = &mut asked.filter;
        for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "state" => {
                    let states = value.split(',').map(|one| named("state", one, State::ALL, State::name));
                    filter.states.extend(states.collect::<Result<Vec<_>, _>>()?);
                }
                "language" => {
                    let languages = [Language::Ko, Language::En];
                    filter.language = Some(named("language", value, &languages, |language| language.code())?);
                }
                "type" => filter.kind = Some(named("type", value, QuestionType::ALL, QuestionType::name)?),
                "persona" => filter.persona = Some(named("persona", value, Persona::ALL, Persona::name)?),
                "difficulty" => {
                    filter.difficulty = Some(named("difficulty", value, Difficulty::ALL, Difficulty::name)?);
                }
                "split" => filter.split = Some(named("split", value, Split::ALL, Split::name)?),
                "topic" => filter.topic = Some(value.clone()),
                "text" => filter.text = Some(value.clone()),
                "after" => asked.after = number("after", value, 0, i64::MAX)?,
                "limit" => asked.limit = number("limit", value, 1, MAX_ROWS as i64)? as usize,
                other => {
                    let known = "`state`, `language`, `type`, `persona`, `difficulty`, `split`, `topic`, `text`, \
                                 `after` and `limit`";
                    return Err(ApiError::unsupported(other, &format!("rows are asked for by {known}")));
                }
            }
        }
        Ok(asked)
    }
}

fn named<T: Copy>(param: &str, value: &str, known: &[T], name: impl Fn(T) -> &'static str) -> Result<T, ApiError> {
    known.iter().copied().find(|one| name(*one) == value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|one| name(*one)).collect();
        ApiError::invalid(param, &format!("one of `{}`", names.join("`, `")), format!("`{value}`"))
    })
}

/// A whole number within limits.
pub fn number(param: &str, value: &str, least: i64, most: i64) -> Result<i64, ApiError> {
    let read = value.parse().ok().filter(|number| (least..=most).contains(number));
    let expected = if most == i64::MAX { format!("{least} or more") } else { format!("between {least} and {most}") };
    read.ok_or_else(|| ApiError::invalid(param, &format!("a whole number, {expected}"), format!("`{value}`")))
}
