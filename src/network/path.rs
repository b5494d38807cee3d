//! The way from one party to another: the one whose edges weigh most, each step in words.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::graph::{EdgeIndex, NodeIndex};
use petgraph::visit::EdgeRef;
use serde::Serialize;

use super::{EdgeKind, Network, Node};
use crate::lang::Language;

/// A way, step by step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Path {
    pub from: Node,
    pub to: Node,
    pub steps: Vec<Step>,
    /// The sum of 1 over the strength of each step: the smaller, the closer they stand.
    pub distance: f64,
    pub demo: bool,
}

/// One edge of a way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub kind: EdgeKind,
    /// Where the step leads.
    pub to: Node,
    /// From 0 to 1.
    pub strength: f64,
    /// How many share what it leads over, where they are so many that it weighs little.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_by: Option<usize>,
    pub en: String,
    pub ko: String,
}

/// A distance that can be ordered.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Distance(pub f64);

impl Eq for Distance {}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Distance {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Network {
    /// The closest way between two nodes, `None` where there is none.
    pub fn path(&self, from: NodeIndex, to: NodeIndex) -> Option<Path> {
        let (edges, distance) = self.closest(from, to)?;
        let mut at = from;
        let mut steps = Vec::new();
        for edge in edges {
            let (a, b) = self.graph.edge_endpoints(edge)?;
            at = if a == at { b } else { a };
            steps.push(Step {
                kind: self.graph[edge].kind,
                to: self.graph[at].clone(),
                strength: self.strength(edge),
                shared_by: self.hub(edge),
                en: self.edge_in_words(edge, Language::En),
                ko: self.edge_in_words(edge, Language::Ko),
            });
        }
        let (from, to) = (self.graph[from].clone(), self.graph[to].clone());
        Some(Path { from, to, steps, distance, demo: self.is_demo })
    }

    /// Dijkstra's algorithm; ends when `to` is settled.
    fn closest(&self, from: NodeIndex, to: NodeIndex) -> Option<(Vec<EdgeIndex>, f64)> {
        let mut distances = vec![f64::INFINITY; self.graph.node_count()];
        let mut came_by: Vec<Option<EdgeIndex>> = vec![None; self.graph.node_count()];
        let mut waiting = BinaryHeap::from([(Reverse(Distance(0.0)), from)]);
        distances[from.index()] = 0.0;
        while let Some((Reverse(Distance(distance)), at)) = waiting.pop() {
            if at == to {
                break;
            }
            if distance > distances[at.index()] {
                continue;
            }
            for edge in self.graph.edges(at) {
                let next = edge.target();
                let there = distance + 1.0 / self.strength(edge.id());
                if there < distances[next.index()] {
                    distances[next.index()] = there;
                    came_by[next.index()] = Some(edge.id());
                    waiting.push((Reverse(Distance(there)), next));
                }
            }
        }
        let mut edges = Vec::new();
        let mut at = to;
        while at != from {
            let edge = came_by[at.index()]?;
            let (a, b) = self.graph.edge_endpoints(edge)?;
            edges.push(edge);
            at = if a == at { b } else { a };
        }
        edges.reverse();
        Some((edges, distances[to.index()]))
    }
}
