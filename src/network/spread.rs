//! Risk that spreads along edges, and which edges brought how much.
//!
//! The exposure of a node is the chance that a walk from it ends at a source: at each node the walk ends with [`STOP`],
//! or else goes on over an edge, each as likely as it weighs. This is the personalised PageRank of the source, read
//! from the other end; so it does not favour who merely knows many, and an exposure is exactly the sum of what its
//! edges bring. What only one party has, such as a phone that nobody shares, leads nowhere and is left out.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Serialize;

use super::patterns::Phoenix;
use super::{EdgeKind, Network, Node, NodeKind};
use crate::lang::Language;

/// How likely a walk ends where it is.
pub const STOP: f64 = 0.2;
/// What is left to walk after so many steps is under a ten-thousandth.
const ROUNDS: usize = 45;

/// Where risk begins, and how much of it reached each node.
pub struct Spread {
    sources: HashMap<NodeIndex, f64>,
    exposures: Vec<f64>,
}

/// What reached one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exposure {
    pub node: Node,
    /// From 0 to 1.
    pub exposure: f64,
    /// Of it, what the node has by itself, being a source.
    pub own: f64,
    /// What came over each edge, the most first; they add up to the rest.
    pub inflows: Vec<Inflow>,
    /// Companies of which fewer are exposed, as a share of all.
    pub percentile: f64,
}

/// What came over one edge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inflow {
    pub kind: EdgeKind,
    pub from: Node,
    pub amount: f64,
    /// Of the whole exposure.
    pub share: f64,
    pub en: String,
    pub ko: String,
}

impl Network {
    /// Where risk begins unless one says otherwise: companies of whom audits claimed something, those that closed in
    /// debt and rose again, and those that they rose as.
    pub fn sources(&self, phoenixes: &[Phoenix]) -> HashMap<NodeIndex, f64> {
        let mut sources = HashMap::new();
        for company in self.companies() {
            if self.facts.get(&company).is_some_and(|facts| facts.claimed_krw > 0) {
                sources.insert(company, 1.0);
            }
        }
        for phoenix in phoenixes {
            sources.extend(self.company(&phoenix.predecessor.id).map(|at| (at, 1.0)));
            sources.extend(self.company(&phoenix.successor.id).map(|at| (at, 1.0)));
        }
        sources
    }

    /// Spreads risk from `sources`, each with its weight from 0 to 1.
    pub fn spread(&self, sources: HashMap<NodeIndex, f64>) -> Spread {
        let num_nodes = self.graph.node_count();
        let mut totals = vec![0.0; num_nodes];
        let edges: Vec<(usize, usize, f64)> = self
            .graph
            .edge_references()
            .filter(|edge| self.leads_on(edge.source()) && self.leads_on(edge.target()))
            .map(|edge| (edge.source().index(), edge.target().index(), self.strength(edge.id())))
            .collect();
        for (a, b, strength) in &edges {
            totals[*a] += strength;
            totals[*b] += strength;
        }
        let mut start = vec![0.0; num_nodes];
        for (source, weight) in &sources {
            start[source.index()] = STOP * weight;
        }
        let mut exposures = start.clone();
        for _ in 0..ROUNDS {
            let mut next = vec![0.0; num_nodes];
            for (a, b, strength) in &edges {
                next[*a] += strength * exposures[*b];
                next[*b] += strength * exposures[*a];
            }
            for at in 0..num_nodes {
                exposures[at] = start[at] + if totals[at] > 0.0 { (1.0 - STOP) * next[at] / totals[at] } else { 0.0 };
            }
        }
        Spread { sources, exposures }
    }

    /// Whether a walk that comes to a node can go on to another than where it came from.
    fn leads_on(&self, at: NodeIndex) -> bool {
        self.graph[at].kind == NodeKind::Company || self.degree(at) > 1
    }

    /// What reached a node, edge by edge.
    pub fn exposure(&self, spread: &Spread, at: NodeIndex) -> Exposure {
        let exposure = spread.exposures[at.index()];
        let walked = || self.graph.edges(at).filter(|edge| self.leads_on(at) && self.leads_on(edge.target()));
        let total: f64 = walked().map(|edge| self.strength(edge.id())).sum();
        let mut inflows: Vec<Inflow> = walked()
            .map(|edge| {
                let from = edge.target();
                let amount = (1.0 - STOP) * self.strength(edge.id()) / total * spread.exposures[from.index()];
                Inflow {
                    kind: edge.weight().kind,
                    from: self.graph[from].clone(),
                    amount,
                    share: if exposure > 0.0 { amount / exposure } else { 0.0 },
                    en: self.edge_in_words(edge.id(), Language::En),
                    ko: self.edge_in_words(edge.id(), Language::Ko),
                }
            })
            .collect();
        inflows.sort_by(|a, b| b.amount.total_cmp(&a.amount));
        let (mut below, mut companies) = (0, 0);
        for company in self.companies() {
            companies += 1;
            below += usize::from(spread.exposures[company.index()] < exposure);
        }
        let own = STOP * spread.sources.get(&at).copied().unwrap_or_default();
        let percentile = below as f64 / f64::from(companies.max(1));
        Exposure { node: self.graph[at].clone(), exposure, own, inflows, percentile }
    }

    /// The companies most exposed that are no sources themselves.
    pub fn most_exposed(&self, spread: &Spread, limit: usize) -> Vec<Exposure> {
        let mut companies: Vec<NodeIndex> = self.companies().filter(|at| !spread.sources.contains_key(at)).collect();
        companies.sort_by(|a, b| spread.exposures[b.index()].total_cmp(&spread.exposures[a.index()]).then(a.cmp(b)));
        companies.into_iter().take(limit).map(|at| self.exposure(spread, at)).collect()
    }
}

impl Spread {
    /// How much reached a node.
    pub fn of(&self, at: NodeIndex) -> f64 {
        self.exposures[at.index()]
    }

    pub fn num_sources(&self) -> usize {
        self.sources.len()
    }
}
