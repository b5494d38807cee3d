//! A dataset as one file to download: an export's folder, zipped. Written to the disk first, so that memory does not grow
//! with the rows; gone when the download ends.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path as FilePath;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use clap::ValueEnum;
use futures::stream;
use serde::Deserialize;
use zip::write::SimpleFileOptions;

use super::{failed, runner};
use crate::datasets::exports::{Format, export};
use crate::datasets::{Error, Store};
use crate::http::error::ApiError;
use crate::http::state::{AppState, blocking};

/// Bytes sent at a time.
const PIECE: usize = 1 << 16;

#[derive(Deserialize)]
pub struct Wanted {
    format: Option<String>,
}

pub async fn download(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let runner = runner(&state)?;
    let format = wanted.format.unwrap_or_else(|| Format::Openai.name().into());
    let known = Format::value_variants();
    let format = known.iter().copied().find(|known| known.name() == format).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|format| format.name()).collect();
        ApiError::invalid("format", &format!("one of `{}`", names.join("`, `")), format!("`{format}`"))
    })?;
    let wanted = name.clone();
    let file = blocking(move || zipped(runner.store(), &wanted, format)).await?.map_err(failed)?;
    let pieces = stream::unfold(file, |mut file| async {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).map(|num_read| {
                piece.truncate(num_read);
                Bytes::from(piece)
            });
            (read, file)
        });
        match read.await {
            Ok((Ok(piece), _)) if piece.is_empty() => None,
            Ok((read, file)) => Some((read, file)),
            Err(_) => None,
        }
    });
    let shown: String = name.bytes().map(escaped).collect();
    let disposition = format!("attachment; filename=\"dataset.zip\"; filename*=UTF-8''{shown}-{}.zip", format.name());
    let headers = [(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The export as an open file without a name.
fn zipped(store: &Store, name: &str, format: Format) -> Result<File, Error> {
    let dataset = store.dataset(name)?;
    let failed = |act: &'static str, path: &FilePath| {
        let path = path.to_owned();
        move |source: std::io::Error| Error::File { act, path: path.clone(), source }
    };
    let folder = tempfile::tempdir().map_err(failed("making", &std::env::temp_dir()))?;
    let manifest = export(store, &dataset, format, folder.path())?;
    let mut zip = zip::ZipWriter::new(tempfile::tempfile().map_err(failed("making", folder.path()))?);
    let paths = manifest.files.iter().map(|file| file.path.as_str());
    for path in paths.chain([crate::datasets::exports::MANIFEST]) {
        let full = folder.path().join(path);
        let reading = failed("zipping", &full);
        let mut file = fs_err::File::open(&full).map_err(&reading)?;
        zip.start_file(path, SimpleFileOptions::default()).map_err(|error| reading(error.into()))?;
        std::io::copy(&mut file, &mut zip).map_err(&reading)?;
    }
    let mut file = zip.finish().map_err(|error| failed("zipping", folder.path())(error.into()))?;
    file.rewind().map_err(failed("zipping", folder.path()))?;
    Ok(file)
}
