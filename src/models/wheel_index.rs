//! The package index: which file is the wheel of a package's version, and what its sha256 is.
//!
//! Speaks the simple API as JSON (PEP 691) and as HTML (PEP 503), since mirrors inside an administration often know
//! the latter only.

use std::sync::LazyLock;

use regex::Regex;
use reqwest::Url;
use serde::Deserialize;

use super::SourceError;
use super::catalog::{WheelPart, is_sha256};
use super::client::Client;
use super::progress::Observer;
use super::source::shown;

const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// A wheel as the index lists it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IndexedWheel {
    pub filename: String,
    pub url: Url,
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
}

#[derive(Deserialize)]
struct JsonPage {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: JsonHashes,
    #[serde(default)]
    size: Option<u64>,
}

#[derive(Default, Deserialize)]
struct JsonHashes {
    sha256: Option<String>,
}

/// Asks the index for the wheel of `part`.
pub(super) fn find(
    client: &Client,
    index: &Url,
    part: &WheelPart,
    observer: Observer<'_>,
) -> Result<IndexedWheel, SourceError> {
    let mut url = index.clone();
    url.path_segments_mut()
        .expect("endpoints are http URLs")
        .pop_if_empty()
        .extend([normalised(&part.package).as_str(), ""]);
    let page = client.page(&url, ACCEPT, observer)?;
    let files = if page.content_type.contains("json") {
        parse_json(&page.body, &page.url)
            .map_err(|error| SourceError::BadIndex { url: shown(&url), reason: error.to_string() })?
    } else {
        parse_html(&page.body, &page.url)
    };
    files.into_iter().filter(|file| is_wheel_of(&file.filename, part)).min_by_key(preference).ok_or_else(|| {
        SourceError::NotInIndex { url: shown(&url), package: part.package.clone(), version: part.version.clone() }
    })
}

/// Only the data in a wheel matters here, so any platform will do; one for all platforms is the smallest.
fn preference(file: &IndexedWheel) -> (bool, String) {
    (!file.filename.ends_with("-none-any.whl"), file.filename.clone())
}

fn parse_json(body: &str, base: &Url) -> Result<Vec<IndexedWheel>, serde_json::Error> {
    let page: JsonPage = serde_json::from_str(body)?;
    let files = page.files.into_iter().filter_map(|file| {
        Some(IndexedWheel {
            url: base.join(&file.url).ok()?,
            filename: file.filename,
            sha256: file.hashes.sha256.filter(|sha256| is_sha256(sha256)),
            bytes: file.size,
        })
    });
    Ok(files.collect())
}

/// Anchors whose link, less its query, ends in a wheel's name; the sha256 stands in the fragment.
fn parse_html(body: &str, base: &Url) -> Vec<IndexedWheel> {
    static LINK: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?is)<a\s[^>]*?href\s*=\s*["']([^"']+)["']"#).expect("the pattern is constant"));
    let links = LINK.captures_iter(body).filter_map(|link| base.join(&link[1].replace("&amp;", "&")).ok());
    let files = links.filter_map(|mut url| {
        let sha256 = url.fragment().and_then(|fragment| fragment.strip_prefix("sha256=")).map(str::to_owned);
        url.set_fragment(None);
        let filename = url.path_segments()?.next_back()?.replace("%2B", "+");
        Some(IndexedWheel { filename, url, sha256: sha256.filter(|sha256| is_sha256(sha256)), bytes: None })
    });
    files.collect()
}

fn is_wheel_of(filename: &str, part: &WheelPart) -> bool {
    let Some(name) = filename.strip_suffix(".whl") else { return false };
    let mut fields = name.split('-');
    fields.next().map(normalised) == Some(normalised(&part.package)) && fields.next() == Some(&part.version)
}

/// A package name as PEP 503 normalises it.
fn normalised(package: &str) -> String {
    let mut name = String::with_capacity(package.len());
    for c in package.chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.extend(c.to_lowercase()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn part(package: &str, version: &str) -> WheelPart {
        WheelPart { package: package.into(), version: version.into(), member: None }
    }

    #[test]
    fn names_are_compared_as_the_standard_says() {
        assert!(is_wheel_of("My_Model.part1-0.2.0-py3-none-any.whl", &part("my-model_part1", "0.2.0")));
        assert!(!is_wheel_of("my_model_part1-0.2.0.tar.gz", &part("my-model-part1", "0.2.0")));
        assert!(!is_wheel_of("my_model_part1-0.2.1-py3-none-any.whl", &part("my-model-part1", "0.2.0")));
        assert!(!is_wheel_of("my_model_part11-0.2.0-py3-none-any.whl", &part("my-model-part1", "0.2.0")));
    }

    #[test]
    fn html_links_are_read_with_their_sha256() {
        let base = Url::parse("http://mirror/simple/a/").unwrap();
        let html = format!(
            "<html><a href=\"../../files/a-1-py3-none-any.whl#sha256={SHA}\" data-x>a</a>\n\
             <A class='x' HREF='http://cdn/b%2B1.whl?k=1&amp;l=2'>b</A>"
        );
        let files = parse_html(&html, &base);
        assert_eq!(files[0].url.as_str(), "http://mirror/files/a-1-py3-none-any.whl");
        assert_eq!((files[0].filename.as_str(), files[0].sha256.as_deref()), ("a-1-py3-none-any.whl", Some(SHA)));
        assert_eq!(files[1].url.as_str(), "http://cdn/b%2B1.whl?k=1&l=2");
        assert_eq!((files[1].filename.as_str(), &files[1].sha256), ("b+1.whl", &None));
    }

    #[test]
    fn a_wheel_for_all_platforms_is_preferred() {
        let base = Url::parse("http://mirror/simple/a/").unwrap();
        let json = r#"{"meta": {}, "files": [
            {"filename": "a-1-cp312-linux_x86_64.whl", "url": "/x", "hashes": {}},
            {"filename": "a-1-py3-none-any.whl", "url": "/y", "hashes": {"md5": "0"}, "size": 7, "yanked": false}]}"#;
        let files = parse_json(json, &base).unwrap();
        let best = files.into_iter().min_by_key(preference).unwrap();
        assert_eq!((best.url.as_str(), best.bytes), ("http://mirror/y", Some(7)));
    }
}
