//! Who stands in the middle, and which companies hang together.

use std::collections::{BTreeMap, VecDeque};

use petgraph::graph::NodeIndex;
use petgraph::unionfind::UnionFind;
use petgraph::visit::EdgeRef;
use serde::Serialize;

use super::strength::HUB;
use super::{EdgeKind, Network, Node, NodeKind};

/// Companies that hang together by people, ownership, addresses, phones or accounts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    pub companies: Vec<Node>,
}

/// Of a random walk, how often it goes on rather than starts anew: the usual figure of PageRank.
const DAMPING: f64 = 0.85;
const ROUNDS: usize = 50;

impl Network {
    /// Groups of at least two companies, the largest first. Trade partners, brokers and what very many share join
    /// nobody: by them all companies are one group, which says nothing.
    pub fn groups(&self) -> Vec<Group> {
        let mut sets = UnionFind::<usize>::new(self.graph.node_count());
        for edge in self.graph.edge_references() {
            let joins = !matches!(edge.weight().kind, EdgeKind::Partner | EdgeKind::Broker | EdgeKind::Related);
            if joins && self.hub(edge.id()).is_none() {
                sets.union(edge.source().index(), edge.target().index());
            }
        }
        let mut groups: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
        for company in self.companies() {
            groups.entry(sets.find(company.index())).or_default().push(self.graph[company].clone());
        }
        let mut groups: Vec<Group> =
            groups.into_values().filter(|group| group.len() > 1).map(|companies| Group { companies }).collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.companies.len()));
        groups
    }

    /// PageRank of every node by its index, edges weighing what they weigh; sums to 1.
    pub fn pagerank(&self) -> Vec<f64> {
        let num_nodes = self.graph.node_count();
        let mut totals = vec![0.0; num_nodes];
        for edge in self.graph.edge_references() {
            totals[edge.source().index()] += self.strength(edge.id());
            totals[edge.target().index()] += self.strength(edge.id());
        }
        let mut ranks = vec![1.0 / num_nodes.max(1) as f64; num_nodes];
        for _ in 0..ROUNDS {
            // Who stands alone gives its rank to all.
            let loose: f64 = ranks.iter().zip(&totals).filter(|(_, total)| **total == 0.0).map(|(rank, _)| rank).sum();
            let mut next = vec![(1.0 - DAMPING + DAMPING * loose) / num_nodes as f64; num_nodes];
            for edge in self.graph.edge_references() {
                let (a, b) = (edge.source().index(), edge.target().index());
                let strength = self.strength(edge.id());
                next[b] += DAMPING * ranks[a] * strength / totals[a];
                next[a] += DAMPING * ranks[b] * strength / totals[b];
            }
            ranks = next;
        }
        ranks
    }

    /// How many of the shortest ways between `nodes`, within them, lead over each (Brandes 2001): to be asked of a
    /// neighbourhood, as it takes as many steps as there are nodes times edges.
    pub fn betweenness(&self, nodes: &[NodeIndex]) -> Vec<f64> {
        let places: std::collections::HashMap<NodeIndex, usize> =
            nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let neighbours: Vec<Vec<usize>> = nodes
            .iter()
            .map(|node| {
                let mut others: Vec<usize> =
                    self.graph.neighbors(*node).filter_map(|other| places.get(&other).copied()).collect();
                others.sort_unstable();
                others.dedup();
                others
            })
            .collect();
        let mut betweenness = vec![0.0; nodes.len()];
        for start in 0..nodes.len() {
            let mut order = Vec::new();
            let mut depths: Vec<Option<usize>> = vec![None; nodes.len()];
            let mut ways = vec![0.0; nodes.len()];
            depths[start] = Some(0);
            ways[start] = 1.0;
            let mut waiting = VecDeque::from([start]);
            while let Some(at) = waiting.pop_front() {
                order.push(at);
                for &next in &neighbours[at] {
                    if depths[next].is_none() {
                        depths[next] = depths[at].map(|depth| depth + 1);
                        waiting.push_back(next);
                    }
                    if depths[next] == depths[at].map(|depth| depth + 1) {
                        ways[next] += ways[at];
                    }
                }
            }
            let mut carried = vec![0.0; nodes.len()];
            for &at in order.iter().rev() {
                for &next in &neighbours[at] {
                    if depths[next] == depths[at].map(|depth| depth + 1) {
                        carried[at] += ways[at] / ways[next] * (1.0 + carried[next]);
                    }
                }
                if at != start {
                    // Each pair is walked from both its ends.
                    betweenness[at] += carried[at] / 2.0;
                }
            }
        }
        betweenness
    }

    /// The nodes of a kind that most stand beside, with how many do; the hubs are those of at least 20.
    pub fn hubs(&self, kind: NodeKind, limit: usize) -> Vec<(Node, usize)> {
        let mut hubs: Vec<(Node, usize)> = self
            .graph
            .node_indices()
            .filter(|at| self.graph[*at].kind == kind && self.degree(*at) >= HUB)
            .map(|at| (self.graph[at].clone(), self.degree(at)))
            .collect();
        hubs.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.id.cmp(&b.0.id)));
        hubs.truncate(limit);
        hubs
    }
}
