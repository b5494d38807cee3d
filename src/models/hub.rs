//! The Hugging Face hub as a source: what its cache on this machine holds, and where a file and its checksum are.
//!
//! The cache is read through hf-hub. The transfer is ours and not hf-hub's, for three reasons: its client trusts a
//! built-in list of authorities only, and an administration's mirror is signed by its own; a file fetched through it
//! would lie on the disk twice; and one way of resuming, retrying and telling progress is enough.

use std::path::PathBuf;

use reqwest::Url;

use super::catalog::{HubFile, is_sha256};
use super::client::{Client, header};
use super::progress::Observer;
use super::{Endpoints, SourceError};

/// A file in the cache of huggingface_hub.
pub(super) struct Cached {
    pub path: PathBuf,
    /// Known from the name under which the cache keeps it, where the hub keeps it as a large file.
    pub sha256: Option<String>,
}

/// The file, if huggingface_hub or another program has fetched it on this machine before.
pub(super) fn cached(file: &HubFile, endpoints: &Endpoints) -> Option<Cached> {
    let repo = hf_hub::Repo::with_revision(file.repo.clone(), hf_hub::RepoType::Model, file.revision.clone());
    let path = hf_hub::Cache::new(endpoints.hub_cache.clone()).repo(repo).get(&file.file)?;
    // Snapshots are links to blobs, and a blob of a large file is named by its sha256.
    let blob = fs_err::canonicalize(&path).ok()?;
    let sha256 = blob.file_name().and_then(|name| name.to_str()).filter(|name| is_sha256(name)).map(str::to_owned);
    Some(Cached { path, sha256 })
}

/// Where the hub, or the mirror that `HF_ENDPOINT` names, has the file.
pub(super) fn url(file: &HubFile, endpoints: &Endpoints) -> Url {
    let mut url = endpoints.hub.clone();
    url.path_segments_mut()
        .expect("endpoints are http URLs")
        .pop_if_empty()
        .extend(file.repo.split('/'))
        .extend(["resolve", &file.revision])
        .extend(file.file.split('/'));
    url
}

/// The sha256 that the hub publishes for the file; small files it keeps in git have none.
pub(super) fn published_sha256(
    client: &Client,
    file: &HubFile,
    endpoints: &Endpoints,
    observer: Observer<'_>,
) -> Result<Option<String>, SourceError> {
    let headers = client.headers(&url(file, endpoints), endpoints.hub_token.as_ref(), observer)?;
    let etag = header(&headers, "x-linked-etag").or_else(|| header(&headers, "etag"));
    let sha256 = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
    Ok(sha256.filter(|etag| is_sha256(etag)))
}
