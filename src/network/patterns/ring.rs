//! Rings: at least three companies of which each owns a part of the next, and the last of the first.
//!
//! A holding may stand in the name of an officer of the company that holds: it counts as that company's as long as at
//! least half of the ring's holdings are the companies' own, since people who have a hand in several firms are common.
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
    /// The officer of the owner in whose name it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<Node>,
}

/// Share from which a holding counts.
pub const LEAST_SHARE: f64 = 0.05;
/// Share from which a person owns for himself rather than for a company.
const OWN_SHARE: f64 = 0.5;
/// Fewest and most companies of a ring. Two that own each other are cross-holdings, which are common and lawful.
const LEN: std::ops::RangeInclusive<usize> = 3..=8;
/// Most rings looked for among companies that all hang together: a tangle has more circles than anyone reads.
const MAX_IN_TANGLE: usize = 200;

/// Companies that own parts of companies, from owner to owned.
type Holdings = DiGraph<NodeIndex, Holding>;

#[derive(Clone, Copy, Debug)]
struct Holding {
    share: f64,
    through: Option<NodeIndex>,
}

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
            rings.extend(found.into_iter().filter_map(|circle| self.ring(&holdings, &circle)));
        }
        rings.sort_by(|a, b| {
            b.least_share.total_cmp(&a.least_share).then_with(|| a.companies[0].id.cmp(&b.companies[0].id))
        });
        rings
    }

    fn holdings(&self) -> Holdings {
        let mut holdings = Holdings::new();
        let mut places: HashMap<NodeIndex, NodeIndex> = HashMap::new();
        let mut add = |owner: NodeIndex, owned: NodeIndex, holding: Holding| {
            let [owner, owned] = [owner, owned].map(|end| *places.entry(end).or_insert_with(|| holdings.add_node(end)));
            holdings.add_edge(owner, owned, holding);
        };
        for edge in self.graph.edge_references() {
            let share = edge.weight().share.unwrap_or_default();
            if edge.weight().kind != EdgeKind::Owner || share < LEAST_SHARE {
                continue;
            }
            let (holder, owned) = (edge.source(), edge.target());
            if self.graph[holder].kind == NodeKind::Company {
                add(holder, owned, Holding { share, through: None });
            } else if share < OWN_SHARE {
                for role in self.graph.edges(holder).filter(|role| role.weight().kind == EdgeKind::Officer) {
                    if role.target() != owned {
                        add(role.target(), owned, Holding { share, through: Some(holder) });
                    }
                }
            }
        }
        holdings
    }

    /// A circle as a ring; `None` if too many of its holdings stand in the names of people.
    fn ring(&self, holdings: &Holdings, circle: &[NodeIndex]) -> Option<Ring> {
        let companies: Vec<Node> = circle.iter().map(|at| self.graph[holdings[*at]].clone()).collect();
        let mut links = Vec::new();
        for (place, owner) in circle.iter().enumerate() {
            let owned = circle[(place + 1) % circle.len()];
            // Its own holding before one in another's name, then the greater.
            let holding = holdings
                .edges_connecting(*owner, owned)
                .map(|edge| *edge.weight())
                .max_by(|a, b| a.through.is_none().cmp(&b.through.is_none()).then(a.share.total_cmp(&b.share)))?;
            let id = |at: NodeIndex| self.graph[holdings[at]].id.clone();
            let through = holding.through.map(|person| self.graph[person].clone());
            links.push(RingLink { owner: id(*owner), owned: id(owned), share: holding.share, through });
        }
        let veiled: Vec<&Node> = links.iter().filter_map(|link| link.through.as_ref()).collect();
        if veiled.len() * 2 > links.len() {
            return None;
        }
        let least_share = links.iter().map(|link| link.share).fold(1.0, f64::min);
        let name = |node: &Node, korean: bool| -> String {
            let name = if korean { &node.name_ko } else { &node.name_en };
            name.as_ref().unwrap_or(&node.id).clone()
        };
        let told = |nodes: &mut dyn Iterator<Item = &Node>, korean: bool, between: &str| -> String {
            nodes.map(|node| name(node, korean)).collect::<Vec<_>>().join(between)
        };
        let percent = least_share * 100.0;
        let mut en = format!(
            "{} companies own each other in a circle, each at least {percent:.1}% of the next: {} → the first",
            companies.len(),
            told(&mut companies.iter(), false, " → ")
        );
        let mut ko = format!(
            "{}개 회사의 순환 출자, 지분 {percent:.1}% 이상: {} → 처음 회사",
            companies.len(),
            told(&mut companies.iter(), true, " → ")
        );
        if !veiled.is_empty() {
            en += &format!("; in the name of {}", told(&mut veiled.iter().copied(), false, ", "));
            ko += &format!(", 명의인: {}", told(&mut veiled.iter().copied(), true, ", "));
        }
        Some(Ring { companies, links, least_share, en, ko })
    }
}

/// Circles that begin at their smallest member, so that each is found once.
fn circles(
    holdings: &Holdings,
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
