//! Rings: at least three companies of which each owns a part of the next, and the last of the first.
//!
//! Shares under [`LEAST_SHARE`] make no ring: holdings of a percent or two are an investment, not control.

use std::collections::{BTreeSet, HashMap};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use serde::Serialize;

use crate::network::{EdgeKind, Network, Node, NodeKind};

/// Companies that own each other in a circle.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ring {
    /// Each owns a part of the next; the last one of the first.
    pub companies: Vec<Node>,
    pub links: Vec<RingLink>,
    /// The smallest share: what flows round at most.
    pub least_share: f64,
    pub en: String,
    pub ko: String,
}

/// One holding of a ring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RingLink {
    pub owner: String,
    pub owned: String,
    pub share: f64,
}

/// Share from which a holding counts.
pub const LEAST_SHARE: f64 = 0.05;
/// Fewest and most companies of a ring. Two that own each other are cross-holdings, which are common and lawful.
const LEN: std::ops::RangeInclusive<usize> = 3..=8;
/// Most rings looked for among companies that all hang together: a tangle has more circles than anyone reads.
const MAX_IN_TANGLE: usize = 200;

impl Network {
    /// All rings, the tightest first.
    pub fn rings(&self) -> Vec<Ring> {
        let holdings = self.holdings();
        let mut rings = Vec::new();
        for tangle in kosaraju_scc(&holdings).into_iter().filter(|tangle| tangle.len() >= *LEN.start()) {
            let members: BTreeSet<NodeIndex> = tangle.iter().copied().collect();
            let mut found = Vec::new();
            for start in &members {
                circles(&holdings, &members, *start, &mut vec![*start], &mut found);
            }
            rings.extend(found.into_iter().map(|circle| self.ring(&holdings, &circle)));
        }
        rings.sort_by(|a, b| {
            b.least_share.total_cmp(&a.least_share).then_with(|| a.companies[0].id.cmp(&b.companies[0].id))
        });
        rings
    }

    /// Companies that own parts of companies, from owner to owned.
    fn holdings(&self) -> DiGraph<NodeIndex, f64> {
        let mut holdings = DiGraph::new();
        let mut places: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        for edge in self.graph.edge_references() {
            let share = edge.weight().share.unwrap_or_default();
            let is_holding = edge.weight().kind == EdgeKind::Owner
                && self.graph[edge.source()].kind == NodeKind::Company
                && share >= LEAST_SHARE;
            if is_holding {
                let [owner, owned] = [edge.source(), edge.target()]
                    .map(|end| *places.entry(end).or_insert_with(|| holdings.add_node(end)));
                holdings.add_edge(owner, owned, share);
            }
        }
        holdings
    }

    fn ring(&self, holdings: &DiGraph<NodeIndex, f64>, circle: &[NodeIndex]) -> Ring {
        let companies: Vec<Node> = circle.iter().map(|at| self.graph[holdings[*at]].clone()).collect();
        let mut links = Vec::new();
        for (place, owner) in circle.iter().enumerate() {
            let owned = circle[(place + 1) % circle.len()];
            let share = holdings.find_edge(*owner, owned).map_or(0.0, |edge| holdings[edge]);
            let id = |at: NodeIndex| self.graph[holdings[at]].id.clone();
            links.push(RingLink { owner: id(*owner), owned: id(owned), share });
        }
        let least_share = links.iter().map(|link| link.share).fold(1.0, f64::min);
        let names = |name: fn(&Node) -> &Option<String>| -> String {
            let names: Vec<&str> =
                companies.iter().map(|node| name(node).as_deref().unwrap_or(node.id.as_str())).collect();
            names.join(" → ")
        };
        let percent = least_share * 100.0;
        let en = format!(
            "{} companies own each other in a circle, each at least {percent:.1}% of the next: {} → the first",
            companies.len(),
            names(|node| &node.name_en)
        );
        let ko = format!(
            "{}개 회사의 순환 출자, 지분 {percent:.1}% 이상: {} → 처음 회사",
            companies.len(),
            names(|node| &node.name_ko)
        );
        Ring { companies, links, least_share, en, ko }
    }
}

/// Circles that begin at their smallest member, so that each is found once.
fn circles(
    holdings: &DiGraph<NodeIndex, f64>,
    members: &BTreeSet<NodeIndex>,
    start: NodeIndex,
    way: &mut Vec<NodeIndex>,
    found: &mut Vec<Vec<NodeIndex>>,
) {
    let Some(last) = way.last().copied() else { return };
    let mut owned: Vec<NodeIndex> = holdings.neighbors(last).collect();
    owned.sort_unstable();
    owned.dedup();
    for next in owned {
        if found.len() >= MAX_IN_TANGLE {
            return;
        }
        if next == start && LEN.contains(&way.len()) {
            found.push(way.clone());
        } else if next > start && members.contains(&next) && way.len() < *LEN.end() && !way.contains(&next) {
            way.push(next);
            circles(holdings, members, start, way, found);
            way.pop();
        }
    }
}
