//! A run's answer written as a file. It writes, so it waits for a named person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::agents::desk::{Desk, inner};
use crate::agents::dossier;
use crate::agents::store::Store;
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::durable;

pub struct ExportDossier;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// The run whose answer is written; the one that asks where absent
    #[serde(default)]
    pub run: Option<String>,
    /// How it is written
    #[serde(default)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Markdown,
    Html,
    /// The whole record.
    Json,
}

impl Tool for ExportDossier {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "export_dossier",
        title_ko: "조사 보고서 내보내기",
        title_en: "Export a dossier",
        purpose_ko: "조사 결과를 근거와 함께 파일로 저장합니다. 담당자의 승인이 있어야 합니다.",
        purpose_en: "Writes the answer of a run with its evidence as a file. Waits for a named person's approval.",
        // The same run is written to the same file.
        hints: Hints { idempotent: true, ..Hints::WRITE },
        cost: Cost::Low,
        access: Access::Audit,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        let name = Self::CARD.name;
        let Some(id) = arguments.run else {
            return Err(Failure::Arguments { tool: name.into(), reason: "`run` is missing".into() });
        };
        let store = Store::open(&desk.home().join(super::super::STORE)).map_err(|error| inner(name, &error))?;
        let record = store.run(&id, None).map_err(|error| inner(name, &error))?;
        let record = record.ok_or_else(|| Failure::NotFound { name: id.clone(), nearest: Vec::new() })?;
        let (extension, text) = match arguments.format {
            Format::Markdown => ("md", dossier::whole(&record)),
            Format::Html => ("html", dossier::html(&record)),
            Format::Json => ("json", serde_json::to_string_pretty(&record).map_err(|error| inner(name, &error))?),
        };
        let folder = desk.home().join("dossiers");
        fs_err::create_dir_all(&folder).map_err(|error| inner(name, &error))?;
        let path = folder.join(format!("{id}.{extension}"));
        durable::write(&path, text.as_bytes()).map_err(|error| inner(name, &error))?;
        let told = path.display().to_string();
        Ok(Outcome::new(
            &json!({ "path": told, "bytes": text.len() }),
            Both::new(format!("`{told}`에 저장했습니다."), format!("Written to `{told}`.")),
        ))
    }
}
