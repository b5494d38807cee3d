//! A disk that fills up while the index is built: an error that says so, and the index of before goes on serving; also
//! where nothing at all fits any more, not even the file that SQLite's connections share.

use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::tempdir;

use super::{SMALL, haetae};
use crate::support::home;

/// A small file system in a file, as real a disk as can be had in a test; unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where this process may not mount.
    fn mount(image: &Path, bytes: u64, at: &'a Path) -> Option<Self> {
        fs_err::File::create(image).unwrap().set_len(bytes).unwrap();
        let run = |command: &mut Command| command.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        let is_made = run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(image));
        (is_made && run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(at))).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_named_and_the_old_index_still_serves() {
    let (image, folder) = (tempdir().unwrap(), tempdir().unwrap());
    let Some(_disk) = SmallDisk::mount(&image.path().join("disk.ext4"), 384 << 20, folder.path()) else {
        eprintln!("skipped: mounting a small disk needs root, mkfs.ext4 and a loop device");
        return;
    };
    let at = folder.path();
    home::furnish(at);
    let search = || {
        let ran = haetae(at, &["--offline", "corpora", "search", "Is a buying commission added?", "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        found["hits"].as_array().unwrap().iter().map(|hit| hit["passage"]["id"].clone()).collect::<Vec<_>>()
    };
    // In Korean, which the small model does not write: the quotation answers, and nothing is generated.
    let ask = || {
        let question = "구매수수료는 과세가격에 포함되나요?";
        let ran = haetae(at, &["--offline", "--model", SMALL, "ask", question, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        (answer["quotes"].to_string(), ran.stderr)
    };
    assert_eq!(haetae(at, &["--offline", "corpora", "build"]).code, 0);
    let (before, (answered, _)) = (search(), ask());
    assert!(answered.contains("구매수수료"), "{answered}");
    assert_eq!(before[0].as_str().unwrap().split('#').next(), Some("valuation-021-en"));
    let current = fs_err::read_to_string(at.join("index/CURRENT")).unwrap();

    fs_err::create_dir_all(at.join("corpora/notes")).unwrap();
    fs_err::write(at.join("corpora/notes/new.md"), "# A new note\n\nIts text is not indexed yet.\n").unwrap();
    // Room for the first files of a build, and for less and less of it.
    let ballast = at.join("ballast");
    for room in [48 << 20, 4 << 20, 64 << 10, 0] {
        let mut file = fs_err::File::create(&ballast).unwrap();
        fill(&mut file);
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(room)).unwrap();
        let ran = haetae(at, &["--offline", "corpora", "build"]);
        ran.assert_refused(&["the disk is full", "/index/", "hint: "]);
        assert_eq!(fs_err::read_to_string(at.join("index/CURRENT")).unwrap(), current, "{room} bytes of room");
        assert_eq!(search(), before, "{room} bytes of room");
        if room <= 4 << 20 {
            // Asking brings the index up to date first; here it cannot, and says so.
            let (answer, said) = ask();
            assert_eq!(answer, answered, "{room} bytes of room");
            assert!(said.contains("the disk is full"), "{said}");
        }
        fs_err::remove_file(&ballast).unwrap();
    }

    let ran = haetae(at, &["--offline", "corpora", "build"]);
    assert_eq!(ran.code, 0, "with room again: {}", ran.stderr);
    assert_ne!(fs_err::read_to_string(at.join("index/CURRENT")).unwrap(), current);
}

/// Writes until nothing more fits.
fn fill(file: &mut fs_err::File) {
    use std::io::Write;
    let (whole, small) = (vec![0; 1 << 20], vec![0; 4096]);
    while file.write_all(&whole).is_ok() {}
    while file.write_all(&small).is_ok() {}
}
