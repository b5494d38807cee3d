//! A generation of a dataset paused, taken up again or cancelled. It changes what runs, so it waits for a named person.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::agents::desk::{Desk, not_set_up};
use crate::agents::tool::{Access, Both, Card, Cost, Failure, Hints, Outcome, Tool};
use crate::datasets::{Store, jobs};

pub struct DatasetJob;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    /// Name of the dataset
    pub name: String,
    pub action: Action,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It stops after the row it is at, and can be taken up again
    Pause,
    /// It goes on when a worker next looks
    Resume,
    /// It ends; the rows it made stay
    Cancel,
}

impl Tool for DatasetJob {
    type Arguments = Arguments;
    const CARD: Card = Card {
        name: "dataset_job",
        title_ko: "데이터셋 작업",
        title_en: "Dataset job",
        purpose_ko: "데이터셋 생성 작업을 멈추거나, 다시 시작하거나, 취소합니다. 담당자의 승인이 있어야 합니다.",
        purpose_en: "Pauses, resumes or cancels the generation of a dataset. Waits for a named person's approval.",
        hints: Hints { destructive: true, ..Hints::WRITE },
        cost: Cost::Low,
        access: Access::Officer,
    };

    fn call(&self, desk: &Desk, arguments: Arguments) -> Result<Outcome, Failure> {
        if !desk.datasets().is_there() {
            return Err(not_set_up("datasets", "`haetae dataset generate` makes one"));
        }
        let bad = |error: crate::datasets::Error| Failure::Bad { reason: error.to_string() };
        let store = desk.datasets().open().map_err(bad)?;
        let dataset = store.dataset(&arguments.name).map_err(bad)?;
        let (act, ko, en): (fn(&Store, &_) -> Result<(), _>, _, _) = match arguments.action {
            Action::Pause => (jobs::pause, "멈췄습니다", "paused"),
            Action::Resume => (jobs::resume, "다시 시작할 수 있게 했습니다", "ready to go on"),
            Action::Cancel => (jobs::cancel, "취소했습니다", "cancelled"),
        };
        act(&store, &dataset).map_err(bad)?;
        let name = &arguments.name;
        Ok(Outcome::new(
            &json!({ "dataset": name, "state": en }),
            Both::new(format!("데이터셋 `{name}`의 생성 작업을 {ko}."), format!("The generation of `{name}` is {en}.")),
        ))
    }
}
