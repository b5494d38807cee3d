//! `haetae score risk`: declarations one by one as they come, or levelled and reviewed as a whole.

use std::io::{BufWriter, Read, Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{open, write_line};
use crate::cli::train::today;
use crate::config::Config;
use crate::lang::{Language, grouped};
use crate::scoring::{
    Capacity, Error, Level, Model, Plan, Purpose, Rank, Reader, Refused, Review, Room, Sample, Scored, Shelf, Table,
};

#[derive(Debug, Args)]
pub struct ScoreRiskArgs {
    /// CSV or Parquet of declarations, or `-` for standard input
    pub file: PathBuf,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Reasons for each row, and what would change a red one: 3 unless said, all without a number, 0 for the fastest scores
    #[arg(long, value_name = "N", num_args = 0..=1, default_value = "3", default_missing_value = "1000")]
    pub reasons: usize,
    /// How many declarations can be inspected: a share such as 0.05, or a number such as 20. The riskiest are red
    #[arg(long, default_value = "0.05", value_name = "SHARE|N")]
    pub red: Room,
    /// How many more can have their documents looked at: the next are yellow
    #[arg(long, default_value = "0.15", value_name = "SHARE|N")]
    pub yellow: Room,
    /// What comes first: the most likely fraudulent, or those of which most additional duty is to be expected
    #[arg(long, value_enum, default_value_t)]
    pub rank: Rank,
    /// Room is for each group of rows that agree in these columns of the mapping, such as `office` or `office,date`; then
    /// all rows are read before the first is told
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', conflicts_with = "capacity")]
    pub per: Vec<String>,
    /// The same from a TOML file, in which groups may have room of their own
    #[arg(long, value_name = "FILE.toml")]
    pub capacity: Option<PathBuf>,
    /// Share of declarations drawn for inspection whatever their risk, so that the model keeps learning
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub random: f64,
    /// Seed of that draw: the same seed draws the same declarations
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// The file as a whole instead of its rows: what moved since training, groups of high risk, fast-track candidates,
    /// and whether all are treated alike; dates must be there
    #[arg(long)]
    pub review: bool,
    /// Language of the review
    #[arg(long, value_enum, default_value = "en")]
    pub lang: Language,
}

/// Rows scored together: enough for all processors, few enough for a pipe to flow.
const BATCH: usize = 4096;

pub(super) fn run(args: &ScoreRiskArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let capacity = Capacity { red: args.red, yellow: args.yellow, by: args.rank }.checked()?;
    let sample = Sample::new(args.random, args.seed)?;
    let plan = match &args.capacity {
        Some(file) => Some(Plan::load(file)?),
        // A number of declarations is a number of the file's.
        None if !args.per.is_empty() || !capacity.is_by_share() => Some(Plan::per(args.per.clone())),
        None => None,
    };
    let model = Shelf::risk(&config.home).current()?;
    model.check_rank(args.rank)?;
    if let Some(plan) = &plan {
        plan.check(&model.mapping)?;
        plan.or(capacity).checked()?;
    }
    let needs_dates = args.review || plan.as_ref().is_some_and(|plan| plan.needs_dates(&model.mapping));
    let purpose = match needs_dates {
        true => Purpose::Review { today: today(jiff::Timestamp::now()) },
        false => Purpose::Score,
    };
    let (source, name) = open(&args.file)?;
    let reader = Reader::open(source, &name, &model.mapping, purpose)?;
    let scoring = Scoring { args, name: &name, model: &model, capacity, sample };
    match (args.review, plan) {
        (true, plan) => scoring.review(reader, plan.as_ref()),
        (false, Some(plan)) => scoring.by_plan(reader, &plan),
        (false, None) => scoring.as_they_come(reader),
    }
}

struct Scoring<'a> {
    args: &'a ScoreRiskArgs,
    name: &'a str,
    model: &'a Model,
    capacity: Capacity,
    sample: Sample,
}

impl Scoring<'_> {
    fn as_they_come(&self, mut reader: Reader<'_, impl Read>) -> anyhow::Result<ExitCode> {
        let mut output = BufWriter::new(stdout().lock());
        let mut all_scored = true;
        loop {
            let table = reader.read(BATCH)?;
            if table.num_rows() + table.refused.len() == 0 {
                break;
            }
            let scored = self.model.score(&table, self.capacity, self.args.reasons);
            all_scored &= self.write(&mut output, scored, &table.refused)?;
            output.flush()?;
        }
        Ok(exit(all_scored))
    }

    /// Levels hang on all rows, so all are read first; reasons are found batch by batch all the same.
    fn by_plan(&self, mut reader: Reader<'_, impl Read>, plan: &Plan) -> anyhow::Result<ExitCode> {
        let mut tables: Vec<Table> = Vec::new();
        loop {
            let table = reader.read(BATCH)?;
            if table.num_rows() + table.refused.len() == 0 {
                break;
            }
            tables.push(table);
        }
        let judged: Vec<_> = tables.iter().map(|table| self.model.judge(table)).collect();
        let ranks: Vec<f64> = judged.iter().flat_map(|judged| judged.ranks(self.capacity.by)).collect();
        let levels = plan.levels(&self.model.mapping, &tables, &ranks, self.capacity);
        let mut output = BufWriter::new(stdout().lock());
        let (mut all_scored, mut start) = (true, 0);
        for (table, judged) in tables.iter().zip(&judged) {
            let own = levels.part(start..start + table.num_rows());
            start += table.num_rows();
            let scored = self.model.tell(table, judged, &own, self.capacity.by, self.args.reasons);
            all_scored &= self.write(&mut output, scored, &table.refused)?;
        }
        output.flush()?;
        Ok(exit(all_scored))
    }

    fn review(&self, mut reader: Reader<'_, impl Read>, plan: Option<&Plan>) -> anyhow::Result<ExitCode> {
        let Self { args, name, model, capacity, sample } = self;
        let table = reader.read(usize::MAX)?;
        if table.num_rows() == 0 {
            return Err(Error::NoRows { name: (*name).into() }.into());
        }
        let judged = model.judge(&table);
        let levels = match plan {
            Some(plan) => {
                plan.levels(&model.mapping, std::slice::from_ref(&table), &judged.ranks(capacity.by), *capacity)
            }
            None => model.levels(&judged, *capacity),
        };
        let scored = model.tell(&table, &judged, &levels, capacity.by, 0);
        let review = Review::of(model, &table, &judged, &levels, &scored, (args.random > 0.0).then_some(sample));
        for refused in &table.refused {
            eprintln!("{name} line {}: {}", refused.line, refused.reason);
        }
        match args.json {
            true => println!("{}", serde_json::to_string_pretty(&review)?),
            false => print!("{}", review.in_words(args.lang)),
        }
        Ok(exit(table.refused.is_empty()))
    }

    /// Says whether all rows could be scored.
    fn write(&self, output: &mut impl Write, scored: Vec<Scored>, refused: &[Refused]) -> anyhow::Result<bool> {
        for mut scored in scored {
            scored.random = self.sample.drawn(&scored.id, scored.level);
            write_line(output, &scored, self.args.json, in_words)?;
        }
        for refused in refused {
            eprintln!("{} line {}: {}", self.name, refused.line, refused.reason);
            if self.args.json {
                let reason = refused.reason.to_string();
                writeln!(output, "{}", json!({ "row": refused.line, "error": reason, "reason": refused.reason }))?;
            }
        }
        Ok(refused.is_empty())
    }
}

fn exit(all_scored: bool) -> ExitCode {
    if all_scored { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn in_words(scored: &Scored) -> String {
    let level = format!("{:?}", scored.level).to_lowercase();
    let mut text = format!("{:.4}  {level:6}  {} (line {})", scored.score, scored.id, scored.row);
    if let (Some(duty), Some(revenue)) = (scored.additional_duty, scored.expected_revenue) {
        let [duty, revenue] = [duty, revenue].map(|amount| grouped(amount as i64));
        text.push_str(&format!("  expected {revenue}, {duty} if fraud"));
    }
    if let Some(random) = &scored.random {
        text.push_str(&format!("\n    {}", random.en));
        // Why its score is what it is must not be read as why it was drawn.
        if scored.level != Level::Red {
            return text;
        }
    }
    for reason in &scored.reasons {
        text.push_str(&format!("\n    {:+.2}  {}", reason.contribution, reason.en));
    }
    if let Some(changes) = scored.what_would_change.as_ref().filter(|changes| !changes.changes.is_empty()) {
        for change in &changes.changes {
            text.push_str(&format!("\n    would be  {}", change.en));
        }
        text.push_str(&format!("\n    ({})", changes.en));
    }
    text
}
