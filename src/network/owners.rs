//! Who stands behind a company: shares multiplied along the holdings, to whoever has no known owner.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Serialize;

use super::{EdgeKind, Network, Node, NodeKind};

/// What someone owns of a company at the end of all holdings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stake {
    pub owner: Node,
    /// Of 1.
    pub share: f64,
    /// Whether some of it is held through other companies.
    pub is_indirect: bool,
}

/// What is followed no further, of 1. In a circle the rest shrinks with each round, so this ends it as well.
const LEAST: f64 = 1e-9;

impl Network {
    /// The ultimate owners of a company, the greatest first. They need not add up to 1: a table may not name all.
    pub fn owners(&self, company: NodeIndex) -> Vec<Stake> {
        let mut stakes: HashMap<NodeIndex, (f64, bool)> = HashMap::new();
        let mut held: HashMap<NodeIndex, f64> = HashMap::from([(company, 1.0)]);
        // Shares of 1 in a circle would go round for ever; no chain of real holdings is as long.
        for round in 0..1_000 {
            let mut next: HashMap<NodeIndex, f64> = HashMap::new();
            for (at, part) in held {
                let mut has_owner = false;
                for (holder, share) in self.holders(at) {
                    has_owner = true;
                    match self.graph[holder].kind {
                        NodeKind::Company => *next.entry(holder).or_default() += part * share,
                        _ => {
                            let stake = stakes.entry(holder).or_default();
                            stake.0 += part * share;
                            stake.1 |= round > 0;
                        }
                    }
                }
                if !has_owner && at != company {
                    let stake = stakes.entry(at).or_default();
                    stake.0 += part;
                    stake.1 |= round > 1;
                }
            }
            next.retain(|_, part| *part > LEAST);
            if next.is_empty() {
                break;
            }
            held = next;
        }
        let mut stakes: Vec<Stake> = stakes
            .into_iter()
            .map(|(at, (share, is_indirect))| Stake { owner: self.graph[at].clone(), share, is_indirect })
            .collect();
        stakes.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.owner.id.cmp(&b.owner.id)));
        stakes
    }

    /// Who owns a part of a company, with the share.
    fn holders(&self, company: NodeIndex) -> impl Iterator<Item = (NodeIndex, f64)> + '_ {
        self.graph.edges(company).filter(|edge| edge.weight().kind == EdgeKind::Owner).filter_map(move |edge| {
            let (holder, owned) = self.graph.edge_endpoints(edge.id())?;
            (owned == company).then_some((holder, edge.weight().share?))
        })
    }
}
