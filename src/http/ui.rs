//! The chat page: the files of `ui/`, built into the binary and served with the headers that keep them harmless.
//!
//! In: a path. Out: a file, "not modified", or "not found". Knows nothing of the API that the page calls.
//!
//! The page shows text that a language model wrote, so the policy forbids everything that does not come from this
//! server as a file of its own: no inline script or style, no other host, no frame around it.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "src/http/ui/"]
struct Files;

const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

/// Headers of every answer. The files are asked for again each time and mostly answered with 304: they are small, and
/// a module kept from an older binary beside newer ones would break the page.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (header::CACHE_CONTROL, "no-cache"),
];

/// `/` and `/ui/*`.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(page)).route("/ui/{*path}", get(file))
}

async fn page(headers: HeaderMap) -> Response {
    respond("index.html", &headers)
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    respond(&path, &headers)
}

fn respond(path: &str, request: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return (StatusCode::NOT_FOUND, "not found").into_response();
    };
    let hash: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag =
        HeaderValue::try_from(format!("\"{hash}\"")).expect("hexadecimal digits and quotes are valid in a header");
    let mut response = if matches(request, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, content_type(path))], file.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// Whether the copy that the client holds is the file as it is now.
fn matches(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let held = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    held.split(',').any(|one| one.trim().trim_start_matches("W/").as_bytes() == tag.as_bytes())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use regex::Regex;
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str, held: Option<&HeaderValue>) -> Response {
        let mut request = Request::get(path);
        if let Some(tag) = held {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        routes::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    fn text(path: &str) -> String {
        String::from_utf8(Files::get(path).unwrap().data.into_owned()).unwrap()
    }

    #[tokio::test]
    async fn the_page_forbids_whatever_is_not_its_own() {
        let response = get("/", None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], CONTENT_SECURITY_POLICY);
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }

    #[tokio::test]
    async fn a_file_that_the_client_holds_is_not_sent_again() {
        let first = get("/ui/app.js", None).await;
        let again = get("/ui/app.js", Some(&first.headers()[header::ETAG])).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = get("/ui/dom.js", Some(&first.headers()[header::ETAG])).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_path_outside_the_folder_is_not_found() {
        for path in ["/ui/", "/ui/none.js", "/ui/../ui.rs", "/ui/%2e%2e/ui.rs"] {
            assert_eq!(get(path, None).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn every_file_that_the_page_names_exists_and_has_a_type() {
        let named = Regex::new(r#"(?:href|src)="/ui/([^"]+)""#).unwrap();
        for found in named.captures_iter(&text("index.html")) {
            assert!(Files::get(&found[1]).is_some(), "`{}` in index.html", &found[1]);
        }
        let imported = Regex::new(r#"from "\./([^"]+)""#).unwrap();
        for path in Files::iter() {
            assert_ne!(content_type(&path), "application/octet-stream", "`{path}`");
            if path.ends_with(".js") {
                for found in imported.captures_iter(&text(&path)) {
                    assert!(Files::get(&found[1]).is_some(), "`{}` in {path}", &found[1]);
                }
            }
        }
    }

    #[test]
    fn nothing_is_written_inline_and_no_html_is_parsed() {
        let page = text("index.html");
        assert!(
            !Regex::new(r#"\sstyle="|\son[a-z]+="|<script(?: type="module")?>|<style|https?://"#)
                .unwrap()
                .is_match(&page)
        );
        let parser = Regex::new(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(").unwrap();
        for path in Files::iter().filter(|path| path.ends_with(".js")) {
            assert!(!parser.is_match(&text(&path)), "`{path}` hands text to a parser");
        }
    }
}
