//! A JSON body taken apart field by field, so that every complaint names its field.
//!
//! In: a request. Out: [`Fields`], from which each handler takes what it knows. What is left over is ignored, as
//! OpenAI does; features that this server lacks are refused by name by the handlers. A field that is `null` counts as
//! absent.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::MAX_BODY_BYTES;
use super::error::{ApiError, Code};

/// The fields of a JSON object.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// # Errors
    /// `invalid_json`, with line and column; `invalid_value` for JSON that is no object.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::new(Code::InvalidValue, "the body must be a JSON object")),
            Err(error) => Err(ApiError::new(Code::InvalidJson, format!("the body is not valid JSON: {error}"))),
        }
    }

    /// Takes a field that may be missing.
    ///
    /// # Errors
    /// `invalid_value` where it has another type.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => convert(name, value).map(Some),
        }
    }

    /// Takes a field that must be there.
    ///
    /// # Errors
    /// As [`Self::optional`], and `missing_required_parameter`.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, ApiError> {
        let missing = || ApiError::new(Code::MissingParameter, format!("`{name}` is missing")).on(name);
        self.optional(name)?.ok_or_else(missing)
    }

    /// A field as it was sent, left where it is.
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Refuses a feature this server lacks, unless its field is absent or says something `harmless`.
    ///
    /// # Errors
    /// `unsupported_parameter`.
    pub fn refuse(&self, name: &str, harmless: impl Fn(&Value) -> bool, reason: &str) -> Result<(), ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(()),
            Some(value) if harmless(value) => Ok(()),
            Some(_) => Err(ApiError::unsupported(name, reason)),
        }
    }
}

/// serde's words for types, and ours: clients need not know Rust.
const WORDS: [(&str, &str); 6] = [
    ("expected f32", "expected a number"),
    ("expected usize", "expected a whole number, 0 or more"),
    ("expected i64", "expected a whole number"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected an object"),
    ("invalid type: map", "invalid type: object"),
];

/// A JSON value as a type of ours, naming `param` where it is another.
pub fn convert<T: DeserializeOwned>(param: &str, value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| {
        let reason = WORDS.iter().fold(error.to_string(), |text, (theirs, ours)| text.replace(theirs, ours));
        ApiError::new(Code::InvalidValue, format!("`{param}`: {reason}")).on(param)
    })
}

/// Whether a value is an empty list or object, which asks for nothing.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        // Required, and not guessed: a page of another site can post plain text to a server on loopback without
        // asking, but not JSON.
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = kind.split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let message = format!("send the body as `Content-Type: application/json`, not `{essence}`");
            return Err(ApiError::new(Code::UnsupportedMediaType, message));
        }
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        Self::parse(&body)
    }
}

fn unreadable(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::new(Code::BodyTooLarge, format!("the body is larger than {MAX_BODY_BYTES} bytes"));
    }
    ApiError::new(Code::InvalidValue, format!("the body could not be read: {}", rejection.body_text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_json_is_located() {
        let error = Fields::parse(b"{\n  \"model\": }").unwrap_err().to_string();
        assert_eq!(error, "the body is not valid JSON: expected value at line 2 column 12");
    }

    #[test]
    fn a_null_field_counts_as_absent() {
        let mut fields = Fields::parse(br#"{"a": null}"#).unwrap();
        assert_eq!(fields.optional::<u32>("a").unwrap(), None);
        assert!(fields.refuse("a", |_| false, "never").is_ok());
        assert_eq!(fields.required::<u32>("a").unwrap_err().to_string(), "`a` is missing");
    }

    #[test]
    fn a_wrong_type_names_its_field() {
        let mut fields = Fields::parse(br#"{"temperature": "hot"}"#).unwrap();
        let error = fields.optional::<f32>("temperature").unwrap_err().to_string();
        assert_eq!(error, "`temperature`: invalid type: string \"hot\", expected a number");
    }
}
