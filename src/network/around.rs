//! The neighbourhood of a party: the nodes that stand closest to it, with the edges between them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Serialize;

use super::path::Distance;
use super::{EdgeKind, Network, NodeKind};
use crate::lang::Language;

/// A part of the network, as it is drawn or written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// The key of the node it is drawn around.
    pub centre: String,
    /// Steps from it at most.
    pub depth: usize,
    pub nodes: Vec<NodeView>,
    pub edges: Vec<EdgeView>,
    /// Whether nodes within the depth were left out because there were more than asked for.
    pub is_cut: bool,
    pub demo: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeView {
    /// Kind and id: `company:C000012`.
    pub key: String,
    pub kind: NodeKind,
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
    /// Steps from the centre.
    pub steps: usize,
    /// How many nodes it stands beside in the whole network.
    pub degree: usize,
    /// How many of the shortest ways between nodes of this part lead over it.
    pub betweenness: f64,
    /// A company that closed.
    pub is_closed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EdgeView {
    pub from: String,
    pub to: String,
    pub kind: EdgeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declarations: Option<i64>,
    pub strength: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_by: Option<usize>,
    pub en: String,
    pub ko: String,
}

impl Network {
    /// The at most `limit` nodes closest to `centre` that are no more than `depth` steps away, without
    /// ways over what very many share. Sellers,
    /// brokers, addresses, phones and accounts that join nobody else of this part are left out unless they are the
    /// centre's own.
    pub fn around(&self, centre: NodeIndex, depth: usize, limit: usize) -> View {
        let (settled, is_cut) = self.closest_to(centre, depth, limit.max(1));
        let places: HashMap<NodeIndex, usize> = settled.iter().map(|(at, steps)| (*at, *steps)).collect();
        let is_kept = |at: NodeIndex, steps: usize| {
            let is_shared = !matches!(self.graph[at].kind, NodeKind::Company | NodeKind::Person);
            let beside = self.graph.neighbors(at).filter(|other| places.contains_key(other)).count();
            !is_shared || steps <= 1 || beside > 1
        };
        let kept: Vec<(NodeIndex, usize)> =
            settled.iter().copied().filter(|(at, steps)| is_kept(*at, *steps)).collect();
        let indices: Vec<NodeIndex> = kept.iter().map(|(at, _)| *at).collect();
        let betweenness = self.betweenness(&indices);
        let keys: HashMap<NodeIndex, String> = indices.iter().map(|at| (*at, self.key(*at))).collect();
        let node = |((at, steps), betweenness): (&(NodeIndex, usize), f64)| {
            let node = self.graph[*at].clone();
            NodeView {
                key: keys[at].clone(),
                kind: node.kind,
                id: node.id,
                name_ko: node.name_ko,
                name_en: node.name_en,
                steps: *steps,
                degree: self.degree(*at),
                betweenness,
                is_closed: self.facts.get(at).is_some_and(|facts| facts.closed.is_some()),
            }
        };
        let nodes = kept.iter().zip(betweenness).map(node).collect();
        let mut edges = Vec::new();
        for at in &indices {
            for edge in self.graph.edges(*at) {
                let Some((from, to)) = self.graph.edge_endpoints(edge.id()) else { continue };
                // Each edge is met from both its ends.
                if from != *at {
                    continue;
                }
                let (Some(from), Some(to)) = (keys.get(&from), keys.get(&to)) else { continue };
                edges.push(EdgeView {
                    from: from.clone(),
                    to: to.clone(),
                    kind: edge.weight().kind,
                    share: edge.weight().share,
                    declarations: edge.weight().declarations,
                    strength: self.strength(edge.id()),
                    shared_by: self.hub(edge.id()),
                    en: self.edge_in_words(edge.id(), Language::En),
                    ko: self.edge_in_words(edge.id(), Language::Ko),
                });
            }
        }
        edges.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        View { centre: self.key(centre), depth, nodes, edges, is_cut, demo: self.is_demo }
    }

    fn key(&self, at: NodeIndex) -> String {
        let node = &self.graph[at];
        format!("{}:{}", node.kind.word(), node.id)
    }

    /// Nodes in the order of their distance, with their steps, and whether there were more.
    fn closest_to(&self, centre: NodeIndex, depth: usize, limit: usize) -> (Vec<(NodeIndex, usize)>, bool) {
        let mut settled: Vec<(NodeIndex, usize)> = Vec::new();
        let mut seen: HashMap<NodeIndex, f64> = HashMap::from([(centre, 0.0)]);
        let mut waiting = BinaryHeap::from([(Reverse(Distance(0.0)), Reverse(0), centre)]);
        while let Some((Reverse(Distance(distance)), Reverse(steps), at)) = waiting.pop() {
            if distance > seen[&at] {
                continue;
            }
            if settled.len() == limit {
                return (settled, true);
            }
            settled.push((at, steps));
            // Over a hub, half of all companies are two steps away.
            if steps == depth || (steps > 0 && self.is_hub(at)) {
                continue;
            }
            for edge in self.graph.edges(at) {
                let there = distance + 1.0 / self.strength(edge.id());
                let known = seen.entry(edge.target()).or_insert(f64::INFINITY);
                if there < *known {
                    *known = there;
                    waiting.push((Reverse(Distance(there)), Reverse(steps + 1), edge.target()));
                }
            }
        }
        (settled, false)
    }
}

impl NodeKind {
    /// The word that keys begin with.
    pub fn word(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Person => "person",
            Self::Seller => "seller",
            Self::Broker => "broker",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Account => "account",
        }
    }
}
