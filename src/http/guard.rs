//! What a server without keys owes to the browsers of its own machine: a page from elsewhere must not reach it.
//!
//! In: a request. Out: the same, or 403. Two doors are shut. A page may have a name of its own resolve to this machine
//! and read answers as if they were its own; such a request names a host that is not ours, and [`ServerNames::Loopback`]
//! refuses it. And a page may send a request blindly; what changes something is refused where a browser says that
//! another page asked. With keys neither is needed: a page elsewhere has none.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use super::error::{ApiError, Code};
use super::state::AppState;
use crate::config::ServerNames;

/// What a browser says of who asks; no page can set it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

pub async fn refuse_strangers(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let hosts = hosts(&request);
    if state.names == ServerNames::Loopback {
        let stranger = hosts.iter().find(|host| !is_loopback(host));
        if let Some(stranger) = stranger.map(String::as_str).or(hosts.is_empty().then_some("")) {
            return Err(not_ours(stranger));
        }
    }
    if state.api_keys.is_open() && changes(request.method()) && is_from_elsewhere(request.headers(), &hosts) {
        let message = "a page of another site may not do this; open the page of this server itself";
        return Err(ApiError::new(Code::OriginNotAllowed, message));
    }
    Ok(next.run(request).await)
}

/// Every name that the request calls this server by: HTTP/2 and requests to a proxy carry it in the target, and may
/// carry another in the header.
fn hosts(request: &Request) -> Vec<String> {
    let in_target = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let in_headers = request.headers().get_all(header::HOST);
    let in_headers = in_headers.iter().map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    in_target.into_iter().chain(in_headers).collect()
}

fn not_ours(host: &str) -> ApiError {
    let host: String = host.chars().take(100).collect();
    let message = format!(
        "`{host}` is no name of this machine, and a server without keys goes by localhost and loopback addresses only; \
         set API keys, or start it with `--allow-anonymous`"
    );
    ApiError::new(Code::HostNotAllowed, message)
}

/// Whether `host`, with or without a port, is this machine's own name or address.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if is_port(port) => address,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if is_number(port) => name,
            Some(_) => return false,
            None => host,
        },
    };
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    lower == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that the page of another site asks. Programs say nothing of it.
fn is_from_elsewhere(headers: &HeaderMap, hosts: &[String]) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return !matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    // `null` is what a page without an address of its own sends.
    let from = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    from.is_none_or(|from| hosts.is_empty() || hosts.iter().any(|host| !host.eq_ignore_ascii_case(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_this_machine_are_told_from_others() {
        for ours in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.:80",
            "127.0.0.1",
            "127.0.0.1:65535",
            "127.8.9.1:80",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(is_loopback(ours), "{ours}");
        }
        for stranger in [
            "evil.example",
            "evil.example:8080",
            "localhost.evil.example",
            "evil-localhost",
            "127.0.0.1.evil.example",
            "128.0.0.1",
            "10.0.0.1:8080",
            "0.0.0.0:8080",
            "[::2]",
            "[::1]evil.example",
            "[::1",
            "::1",
            "127.1",
            "localhost:",
            "localhost:80:80",
            "localhost:http",
            "user@localhost",
            "",
        ] {
            assert!(!is_loopback(stranger), "{stranger}");
        }
    }
}
