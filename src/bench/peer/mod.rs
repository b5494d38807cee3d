//! llama.cpp, where it is installed, measured in turn with us.
//!
//! Its own tools (`llama-bench`, `llama-batched-bench`, `llama-server`) are looked for in a folder or on the path; a
//! folder with node-llama-cpp, which comes built for every x86-64 level, adds a second measurement of the same engine.
//! For each line the better of its figures stands. What a tool prints is read here; how, in a file a tool.

mod batched;
mod llama_bench;
mod node;
mod process;
mod server;

use std::path::{Path, PathBuf};

pub use server::LlamaServer;

use super::Error;
use super::engine::{Case, PeerFigure, Plan};

/// How llama.cpp is had.
const HINT: &str = "build the targets `llama-bench`, `llama-batched-bench` and `llama-server` of llama.cpp and name \
                    the folder they lie in by `--llama-cpp` or `HAETAE_LLAMA_CPP`; for `bench engine` alone, `npm i \
                    node-llama-cpp @node-llama-cpp/linux-x64` in an empty folder will do, named by \
                    `--node-llama-cpp` or `HAETAE_NODE_LLAMA_CPP`";

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Folder of llama.cpp's tools; the path where none is named.
    pub llama_cpp: Option<PathBuf>,
    /// Folder in which `npm i node-llama-cpp` was run.
    pub node_llama_cpp: Option<PathBuf>,
}

impl Places {
    /// The tool called `name`.
    fn tool(&self, name: &str) -> Option<PathBuf> {
        let is_there = |path: &PathBuf| path.is_file();
        match &self.llama_cpp {
            Some(folder) => ["", "bin", "build/bin"].map(|sub| folder.join(sub).join(name)).into_iter().find(is_there),
            None => std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(is_there),
        }
    }

    fn node_folder(&self) -> Option<&Path> {
        self.node_llama_cpp.as_deref().filter(|folder| folder.join("node_modules/node-llama-cpp").is_dir())
    }

    fn missing(&self, tools: &[&str]) -> Error {
        let mut place = match &self.llama_cpp {
            Some(folder) => format!("in `{}`", folder.display()),
            None => "on the path".to_owned(),
        };
        if let Some(folder) = &self.node_llama_cpp {
            place += &format!(", and no node-llama-cpp in `{}`", folder.display());
        }
        Error::NoPeer { wanted: format!("`{}`", tools.join("` or `")), place, hint: HINT }
    }
}

/// A model to run, and on how many threads.
#[derive(Clone, Debug)]
pub struct Task {
    pub model: PathBuf,
    pub threads: usize,
}

impl Task {
    /// # Errors
    /// [`Error::PeerNeedsGguf`].
    pub fn new(model: &Path, threads: usize) -> Result<Self, Error> {
        if model.extension().is_none_or(|extension| extension != "gguf") {
            return Err(Error::PeerNeedsGguf { model: model.into() });
        }
        Ok(Self { model: model.into(), threads })
    }
}

/// The tools that were found.
#[derive(Clone, Debug)]
pub struct Tools {
    llama_bench: Option<PathBuf>,
    batched_bench: Option<PathBuf>,
    node: Option<PathBuf>,
}

impl Tools {
    /// # Errors
    /// [`Error::NoPeer`] where there is none of them.
    pub fn find(places: &Places) -> Result<Self, Error> {
        let tools = Self {
            llama_bench: places.tool("llama-bench"),
            batched_bench: places.tool("llama-batched-bench"),
            node: places.node_folder().map(Into::into),
        };
        if tools.llama_bench.is_none() && tools.batched_bench.is_none() && tools.node.is_none() {
            return Err(places.missing(&["llama-bench", "llama-batched-bench"]));
        }
        Ok(tools)
    }
}

/// The tools at work on a model.
pub struct Rival {
    pub tools: Tools,
    pub task: Task,
}

impl Rival {
    /// One round of every tool. A tool that fails, as one built for another processor does, is told of and left out
    /// from then on. Blocks.
    ///
    /// # Errors
    /// [`Error::PeerSilent`] once no tool is left.
    pub fn round(&mut self, plan: &Plan) -> Result<Vec<(Case, PeerFigure)>, Error> {
        let mut figures = Vec::new();
        let task = &self.task;
        let tools: [(&mut Option<PathBuf>, Measure); 3] = [
            (&mut self.tools.llama_bench, llama_bench::measure),
            (&mut self.tools.batched_bench, batched::measure),
            (&mut self.tools.node, node::measure),
        ];
        for (tool, measure) in tools {
            let Some(found) = tool.clone() else { continue };
            match measure(&found, task, plan) {
                Ok(measured) => figures.extend(measured),
                Err(error) => {
                    tracing::warn!("llama.cpp: {error}");
                    *tool = None;
                }
            }
        }
        if figures.is_empty() { Err(Error::PeerSilent) } else { Ok(figures) }
    }
}

/// One round of a tool.
type Measure = fn(&Path, &Task, &Plan) -> Result<Vec<(Case, PeerFigure)>, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_is_searched_alone_with_its_usual_subfolders() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { llama_cpp: Some(folder.path().into()), node_llama_cpp: Some(folder.path().into()) };
        let error = Tools::find(&places).unwrap_err().to_string();
        assert!(error.contains("no `llama-bench` or `llama-batched-bench` in `"), "{error}");
        assert!(error.contains("no node-llama-cpp in `") && error.contains("\n\nhint: build"), "{error}");
        fs_err::create_dir_all(folder.path().join("build/bin")).unwrap();
        fs_err::write(folder.path().join("build/bin/llama-bench"), "").unwrap();
        fs_err::create_dir_all(folder.path().join("node_modules/node-llama-cpp")).unwrap();
        let tools = Tools::find(&places).unwrap();
        assert!(tools.llama_bench.unwrap().ends_with("build/bin/llama-bench"));
        assert!(tools.batched_bench.is_none() && tools.node.is_some());
    }

    #[test]
    fn a_model_that_is_no_gguf_is_refused() {
        assert!(matches!(Task::new("folder/model.safetensors".as_ref(), 2), Err(Error::PeerNeedsGguf { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_tool_that_fails_is_left_out_and_the_rest_counts() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, body: &str| {
            let path = folder.path().join(name);
            fs_err::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        script("llama-bench", "echo 'no such instruction' >&2; exit 3");
        script("llama-batched-bench", r#"echo '{"pp": 8, "tg": 4, "pl": 2, "speed_tg": 50.5}'"#);
        let places = Places { llama_cpp: Some(folder.path().into()), node_llama_cpp: None };
        let task = Task::new("m.gguf".as_ref(), 2).unwrap();
        let mut rival = Rival { tools: Tools::find(&places).unwrap(), task };
        let plan = Plan { prefill: vec![16], decode_len: 4, batches: vec![2], rounds: 1 };
        let figures = rival.round(&plan).unwrap();
        let best = PeerFigure { tokens_per_s: 50.5, via: "llama-batched-bench" };
        assert_eq!(figures, [(Case::Decode { len: 4, batch: 2 }, best)]);
        assert!(rival.tools.llama_bench.is_none());
        script("llama-batched-bench", "exit 1");
        assert!(matches!(rival.round(&plan), Err(Error::PeerSilent)));
    }
}
