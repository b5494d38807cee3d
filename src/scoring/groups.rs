//! The groups of declarations that hold the most risk.
//!
//! In: the scores of rows, and which group each belongs to. Out: [`GroupRisk`]s, those of the highest mean probability
//! first. Groups of a handful of rows are left out: theirs is chance.

use std::collections::BTreeMap;

use serde::Serialize;

use super::capacity::Level;
use super::model::Scored;

/// What the declarations of one group come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct GroupRisk {
    pub group: String,
    pub declarations: usize,
    pub red: usize,
    /// Expected number of frauds: the sum of the probabilities.
    pub expected: f64,
    pub mean: f64,
    /// Sum of the revenues to expect; absent where the model learnt of no amounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_revenue: Option<f64>,
}

/// Smaller groups are chance.
pub const MIN_DECLARATIONS: usize = 10;

/// Sums up by group; rows without one are left out.
pub fn riskiest<'a>(rows: impl Iterator<Item = (Option<String>, &'a Scored)>, limit: usize) -> Vec<GroupRisk> {
    let mut sums: BTreeMap<String, GroupRisk> = BTreeMap::new();
    for (group, scored) in rows {
        let Some(group) = group else { continue };
        let sum = sums.entry(group).or_default();
        sum.declarations += 1;
        sum.red += usize::from(scored.level == Level::Red);
        sum.expected += scored.score;
        if let Some(revenue) = scored.expected_revenue {
            *sum.expected_revenue.get_or_insert(0.0) += revenue;
        }
    }
    let named = sums.into_iter().filter(|(_, sum)| sum.declarations >= MIN_DECLARATIONS);
    let mut groups: Vec<GroupRisk> =
        named.map(|(group, sum)| GroupRisk { group, mean: sum.expected / sum.declarations as f64, ..sum }).collect();
    groups.sort_by(|a, b| b.mean.total_cmp(&a.mean).then_with(|| a.group.cmp(&b.group)));
    groups.truncate(limit);
    groups
}
