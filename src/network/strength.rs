//! How much an edge weighs, from 0 to 1: by what it is, and by how many share what it leads to.
//!
//! A shared account says more than a shared broker, and an address of two companies more than that of two hundred. The
//! weights are a judgement, not learnt; they order ways and spread risk, and are shown with each edge.

use petgraph::graph::{EdgeIndex, NodeIndex, UnGraph};

use super::{Edge, EdgeKind, Node, NodeKind};

/// Parties that may share a node before its edges weigh less.
const FEW: f64 = 3.0;
/// From this many on a node is called a hub, and what leads over it is said to weigh little.
pub const HUB: usize = 20;

/// What an edge weighs if few share what it leads to.
fn base(edge: &Edge) -> f64 {
    match edge.kind {
        EdgeKind::Account => 1.0,
        // From a sliver to the whole.
        EdgeKind::Owner => edge.share.map_or(0.5, |share| 0.2 + 0.8 * share),
        EdgeKind::Family | EdgeKind::Officer | EdgeKind::Related => 0.8,
        EdgeKind::Phone => 0.7,
        EdgeKind::Address => 0.6,
        EdgeKind::Partner => 0.3,
        EdgeKind::Broker => 0.15,
    }
}

/// How many nodes each stands beside, however many edges join them.
pub fn degrees(graph: &UnGraph<Node, Edge>) -> Vec<u32> {
    let mut neighbours: Vec<NodeIndex> = Vec::new();
    let count = |at: NodeIndex| {
        neighbours.clear();
        neighbours.extend(graph.neighbors(at));
        neighbours.sort_unstable();
        neighbours.dedup();
        neighbours.len() as u32
    };
    graph.node_indices().map(count).collect()
}

/// The end of an edge that companies share: whichever is no company.
pub fn shared_end(graph: &UnGraph<Node, Edge>, edge: EdgeIndex) -> Option<NodeIndex> {
    let (from, to) = graph.edge_endpoints(edge)?;
    [to, from].into_iter().find(|end| graph[*end].kind != NodeKind::Company)
}

/// By the root of how many share it: what two hundred share still says something, but less than a tenth.
pub fn strength(graph: &UnGraph<Node, Edge>, degrees: &[u32], edge: EdgeIndex) -> f64 {
    let shared_by = shared_end(graph, edge).map_or(0, |end| degrees[end.index()]);
    base(&graph[edge]) * (FEW / f64::from(shared_by).max(FEW)).sqrt()
}
