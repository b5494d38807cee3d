//! Python wheels as a source: each is fetched, its one data file taken out and appended, and the wheel thrown away, so
//! that the disk never holds more than the model and one wheel.
//!
//! A wheel is read as a zip archive and nothing more: no code in it is run, no other file of it is unpacked. Where a
//! run stops, a state file says how many wheels are joined; the next run cuts the joined file back to that length. The
//! state stays until the caller has found the joined file sound and calls [`remove_leftovers`].

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use zip::ZipArchive;

use super::catalog::WheelPart;
use super::client::{Client, Download};
use super::progress::{Event, Observer};
use super::receipt::sha256_of;
use super::wheel_index::{self, IndexedWheel};
use super::{SourceError, lock};

/// Wheels to join into one file.
pub(super) struct Job<'a> {
    pub client: &'a Client,
    pub index: &'a Url,
    pub parts: &'a [WheelPart],
    /// The file the members are appended to.
    pub joined: &'a Path,
    /// Size of the joined file; nothing is written beyond it, whatever the wheels hold.
    pub bytes: u64,
    pub observer: Observer<'a>,
}

/// How far an earlier run came.
#[derive(Default, Serialize, Deserialize)]
struct State {
    parts: usize,
    bytes: u64,
}

impl Job<'_> {
    /// Joins what is not joined yet.
    pub fn run(&self) -> Result<(), SourceError> {
        let state_file = suffixed(self.joined, ".state");
        let mut state = self.state(&state_file);
        let disk = |act| SourceError::disk(act, self.joined);
        let open = fs_err::OpenOptions::new().create(true).truncate(false).write(true).open(self.joined);
        let mut joined = open.map_err(disk("open"))?;
        if joined.metadata().map_err(disk("read"))?.len() > state.bytes {
            joined.set_len(state.bytes).map_err(disk("cut back"))?;
        }
        joined.seek(SeekFrom::Start(state.bytes)).map_err(disk("open"))?;
        for part in &self.parts[state.parts..] {
            let wheel = wheel_index::find(self.client, self.index, part, self.observer)?;
            let path = suffixed(self.joined, &format!(".{}.part", state.parts + 1));
            self.fetch(&wheel, &path, state.bytes)?;
            state.bytes += self.append(&path, part, &wheel.filename, &mut joined, state.bytes)?;
            state.parts += 1;
            (self.observer)(Event::Advanced { done: state.bytes });
            let text = serde_json::to_vec(&state).expect("two numbers serialise");
            lock::write_whole(&state_file, &text).map_err(SourceError::disk("write", &state_file))?;
            fs_err::remove_file(&path).map_err(SourceError::disk("remove", &path))?;
        }
        Ok(())
    }

    fn state(&self, path: &Path) -> State {
        let state: State =
            fs_err::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let joined_len = fs_err::metadata(self.joined).map_or(0, |metadata| metadata.len());
        if state.parts <= self.parts.len() && state.bytes <= joined_len { state } else { State::default() }
    }

    /// Streams the wheel to `path` and holds it against the sha256 that the index gives.
    fn fetch(&self, wheel: &IndexedWheel, path: &Path, base: u64) -> Result<(), SourceError> {
        let mut resumed = fs_err::metadata(path).is_ok_and(|metadata| metadata.len() > 0);
        let from = Download { url: &wheel.url, token: None, bytes: wheel.bytes, base };
        loop {
            self.client.download(&from, path, self.observer)?;
            let Some(expected) = &wheel.sha256 else { return Ok(()) };
            let found = sha256_of(path).map_err(SourceError::disk("read", path))?;
            if found == *expected {
                return Ok(());
            }
            fs_err::remove_file(path).map_err(SourceError::disk("remove", path))?;
            if !resumed {
                let (what, expected) = (wheel.filename.clone(), expected.clone());
                return Err(SourceError::Mismatch { what, expected, found });
            }
            // The fault may lie in what an earlier run left, so once more from the first byte.
            resumed = false;
        }
    }

    /// Appends the data file of a wheel and gives its size.
    fn append(
        &self,
        path: &Path,
        part: &WheelPart,
        name: &str,
        joined: &mut fs_err::File,
        at: u64,
    ) -> Result<u64, SourceError> {
        let wrong = |reason: String| SourceError::BadWheel { wheel: name.into(), reason };
        let file = fs_err::File::open(path).map_err(SourceError::disk("open", path))?;
        let mut archive = ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
        let member = find_member(archive.file_names(), part).map_err(wrong)?;
        let mut member = archive.by_name(&member).map_err(|error| wrong(error.to_string()))?;
        if at + member.size() > self.bytes {
            return Err(wrong(format!("its data would make the file longer than {} bytes", self.bytes)));
        }
        // The size in the archive's directory may lie; a byte more than allowed is enough to notice.
        let mut limited = (&mut member).take(self.bytes - at + 1);
        let written = copy(&mut limited, joined, self.joined).map_err(|error| match error {
            CopyError::Read(error) => wrong(error.to_string()),
            CopyError::Write(error) => error,
        })?;
        if at + written > self.bytes {
            return Err(wrong(format!("its data made the file longer than {} bytes", self.bytes)));
        }
        Ok(written)
    }
}

/// Files that a job may have left beside `joined`.
pub(super) fn remove_leftovers(joined: &Path) -> std::io::Result<()> {
    let (Some(folder), Some(name)) = (joined.parent(), joined.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|other| other.starts_with(name)) {
            fs_err::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn find_member<'a>(names: impl Iterator<Item = &'a str>, part: &WheelPart) -> Result<String, String> {
    let fits = |name: &&str| match &part.member {
        Some(member) => name.strip_suffix(member.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/')),
        None => name.ends_with(".bin"),
    };
    let found: Vec<&str> = names.filter(fits).collect();
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        several => {
            let wanted = part.member.as_deref().unwrap_or("*.bin");
            Err(format!("it holds {} files `{wanted}`, and one was expected", several.len()))
        }
    }
}

/// Which side of a copy failed: a bad archive and a full disk are different news.
enum CopyError {
    Read(std::io::Error),
    Write(SourceError),
}

fn copy(from: &mut impl Read, to: &mut fs_err::File, path: &Path) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 1 << 20];
    let mut copied = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok(copied),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        std::io::Write::write_all(to, &buffer[..read])
            .map_err(|error| CopyError::Write(SourceError::disk("write", path)(error)))?;
        copied += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(wanted: Option<&str>) -> Result<String, String> {
        let names = ["a/__init__.py", "a/data/part01.bin", "a/m.gguf.part00", "a-1.dist-info/RECORD"];
        let part = WheelPart { package: "a".into(), version: "1".into(), member: wanted.map(str::to_owned) };
        find_member(names.into_iter(), &part)
    }

    #[test]
    fn a_member_is_named_by_its_path_or_its_end_or_is_the_one_bin_file() {
        assert_eq!(member(None).unwrap(), "a/data/part01.bin");
        assert_eq!(member(Some("a/m.gguf.part00")).unwrap(), "a/m.gguf.part00");
        assert_eq!(member(Some("m.gguf.part00")).unwrap(), "a/m.gguf.part00");
        assert!(member(Some("gguf.part00")).unwrap_err().contains("0 files"));
    }
}
