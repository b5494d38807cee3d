//! Finds stamps and signatures on a page.
//!
//! In: a [`Page`]. Out: [`Found`] marks, the surest first. What a region is is judged by its measures, with weights learnt
//! from pages whose truth is known ([`Finder::learn`]); of regions that lie over each other the surest stays.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draw::{Certificate, Placed};
use super::logistic::Logistic;
use super::measure::{Figure, share};
use super::page::Page;
use super::region::{Region, regions};
use super::{Area, Kind};

/// A mark on a page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Found {
    pub kind: Kind,
    /// In pixels of the file.
    pub area: Area,
    /// How likely it is a mark of this kind, from 0 to 1.
    pub confidence: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finder {
    weights: Logistic,
}

/// Least confidence of what is shown.
const LEAST: f64 = 0.5;
/// Overlap from which a region is taken for a mark when learning, and from which it counts as found.
pub const OVERLAP: f32 = 0.5;
/// Classes beside the kinds: no mark.
const CLASSES: usize = 3;

impl Finder {
    /// Learns from pages; `None` if they hold no mark of some kind.
    pub fn learn(pages: &[(Vec<Region>, Vec<Placed>)]) -> Option<Self> {
        let (mut rows, mut classes) = (Vec::new(), Vec::new());
        for (regions, marks) in pages {
            for region in regions {
                let best = marks.iter().map(|mark| (mark.area.overlap(&region.area), mark.kind));
                let best = best.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, Kind::Stamp));
                // A region that holds half of a mark is neither a good example nor a counterexample.
                let class = match best.0 {
                    overlap if overlap >= 0.6 => 1 + usize::from(best.1 == Kind::Signature),
                    overlap if overlap < 0.4 => 0,
                    _ => continue,
                };
                rows.push(region.features.clone());
                classes.push(class);
            }
        }
        let has_all = (0..CLASSES).all(|class| classes.contains(&class));
        has_all.then(|| Self { weights: Logistic::fit(&rows, &classes, CLASSES) })
    }

    pub fn find(&self, page: &Page) -> Vec<Found> {
        let found = self.judge(&regions(page));
        found.into_iter().map(|found| Found { area: found.area.multiplied(page.reduction), ..found }).collect()
    }

    fn judge(&self, regions: &[Region]) -> Vec<Found> {
        let judged = regions.iter().filter_map(|region| {
            let probabilities = self.weights.probabilities(&region.features);
            let (kind, confidence) = if probabilities[1] >= probabilities[2] {
                (Kind::Stamp, probabilities[1])
            } else {
                (Kind::Signature, probabilities[2])
            };
            (confidence >= LEAST).then_some(Found { kind, area: region.area, confidence })
        });
        let mut judged: Vec<Found> = judged.collect();
        // Of two that are equally sure, the larger holds more of the mark.
        judged.sort_by(|a, b| {
            let value = |found: &Found| found.confidence + 0.02 * f64::from(found.area.size()).ln();
            value(b).total_cmp(&value(a))
        });
        let mut kept: Vec<Found> = Vec::new();
        for found in judged {
            let is_apart =
                |other: &Found| other.area.shared(&found.area) < 0.4 * other.area.size().min(found.area.size());
            if kept.iter().all(is_apart) {
                kept.push(found);
            }
        }
        kept.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        kept
    }
}

/// How well marks of a kind are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub marks: usize,
    /// Share of marks found: a box of their kind that overlaps by half.
    pub recall: Option<Figure>,
    /// Share of boxes that hold a mark of their kind.
    pub precision: Option<Figure>,
    pub recall_without_colour: Option<Figure>,
}

/// A page that was looked at, beside its truth.
pub struct Looked {
    pub found: Vec<Found>,
    pub placed: Vec<Placed>,
    pub has_colour: bool,
}

/// Counts what was found on pages whose truth is known.
pub fn judge_finding(kind: Kind, pages: &[Looked]) -> Finding {
    let (mut marks, mut hit, mut boxes, mut right) = (0, 0, 0, 0);
    let mut grey = (0, 0);
    for Looked { found, placed, has_colour } in pages {
        let truth: Vec<&Placed> = placed.iter().filter(|mark| mark.kind == kind).collect();
        let found: Vec<&Found> = found.iter().filter(|found| found.kind == kind).collect();
        let hits = truth.iter().filter(|mark| found.iter().any(|f| f.area.overlap(&mark.area) >= OVERLAP)).count();
        marks += truth.len();
        hit += hits;
        if !has_colour {
            grey.0 += hits;
            grey.1 += truth.len();
        }
        boxes += found.len();
        right += found.iter().filter(|f| truth.iter().any(|mark| f.area.overlap(&mark.area) >= OVERLAP)).count();
    }
    Finding {
        marks,
        recall: share(hit, marks),
        precision: share(right, boxes),
        recall_without_colour: share(grey.0, grey.1),
    }
}

/// The regions of drawn pages beside what was planted.
pub fn looked_at(pages: impl IndexedParallelIterator<Item = Certificate>) -> Vec<(Vec<Region>, Vec<Placed>)> {
    pages.map(|drawn| (regions(&Page::of(&drawn.scan)), drawn.marks)).collect()
}
