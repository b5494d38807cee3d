//! Who stands by whom: companies, people, sellers, brokers, and the addresses, phones and accounts they share.
//!
//! In: a [`Register`](crate::register::Register). Out: a graph with typed edges, and what is found in it: the way from
//! one party to another, neighbourhoods, groups, centrality, patterns ([`Pattern`]), and risk that spreads
//! ([`Spread`]), each with the edges it rests on. What is shared is a node of its own, so that thirty companies at one
//! address are thirty edges and not 435; and the more share it, the less each of its edges weighs (`strength`).
//! Deliberately knows nothing of scores that were learnt, nor of what the demo world says it planted.

mod around;
mod build;
mod centrality;
mod draw;
mod owners;
mod path;
mod patterns;
mod spread;
mod strength;
mod words;

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::civil::Date;
use petgraph::graph::{EdgeIndex, NodeIndex, UnGraph};
use serde::Serialize;

pub use around::{EdgeView, NodeView, View};
pub use build::Builder;
pub use centrality::Group;
pub use owners::Stake;
pub use path::{Path, Step};
pub use patterns::{Evidence, Link, Pattern, Phoenix, Ring, RingLink};
pub use spread::{Exposure, Inflow, Spread};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    Company,
    Person,
    Seller,
    Broker,
    Address,
    Phone,
    Account,
}

/// A party, or what parties share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    pub kind: NodeKind,
    /// The register's id; of what is shared, its text without blanks, marks and case.
    pub id: String,
    pub name_ko: Option<String>,
    pub name_en: Option<String>,
}

/// What joins two nodes. The edge begins at the first named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeKind {
    /// A person or company owns a part of a company.
    Owner,
    /// A person is an officer of a company.
    Officer,
    /// Two people are of one family.
    Family,
    /// A company sits at an address.
    Address,
    /// A company has a phone.
    Phone,
    /// A company has an account.
    Account,
    /// A company buys from a seller.
    Partner,
    /// A seller belongs together with a company.
    Related,
    /// A company declares through a broker.
    Broker,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Edge {
    pub kind: EdgeKind,
    /// Of 1; owners only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Partners and brokers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declarations: Option<i64>,
}

/// What patterns and risk look at in a company.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompanyFacts {
    pub founded: Option<Date>,
    pub closed: Option<Date>,
    pub arrears_krw: i64,
    /// Months with arrears.
    pub unpaid_months: i64,
    /// Claimed after audits.
    pub claimed_krw: i64,
    /// HS codes with the value imported.
    pub goods: Vec<(String, i64)>,
}

/// The graph. Made by [`Network::read`] or a [`Builder`], then never changed.
pub struct Network {
    graph: UnGraph<Node, Edge>,
    /// How much each edge weighs, by its index; see [`strength`].
    strengths: Vec<f32>,
    /// How many nodes each stands beside, by its index.
    degrees: Vec<u32>,
    places: HashMap<(NodeKind, String), NodeIndex>,
    facts: HashMap<NodeIndex, CompanyFacts>,
    is_demo: bool,
    survey: OnceLock<Survey>,
}

/// What is looked for once and asked for often: all patterns, and the risk that spreads from them and from audits.
pub struct Survey {
    pub patterns: Vec<Pattern>,
    pub spread: Spread,
}

impl Network {
    /// All patterns and the spread of risk; found at the first call.
    pub fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| {
            let phoenixes = self.phoenixes();
            let spread = self.spread(self.sources(&phoenixes));
            let rings = self.rings().into_iter().map(Pattern::Ring);
            let patterns = rings.chain(phoenixes.into_iter().map(Pattern::Phoenix)).collect();
            Survey { patterns, spread }
        })
    }

    pub fn num_nodes(&self) -> usize {
        self.graph.node_count()
    }

    pub fn num_edges(&self) -> usize {
        self.graph.edge_count()
    }

    /// Whether it is drawn from an invented world.
    pub fn is_demo(&self) -> bool {
        self.is_demo
    }

    /// The node of an id, whatever kind of party it is.
    pub fn find(&self, id: &str) -> Option<NodeIndex> {
        const KINDS: [NodeKind; 7] = [
            NodeKind::Company,
            NodeKind::Person,
            NodeKind::Seller,
            NodeKind::Broker,
            NodeKind::Address,
            NodeKind::Phone,
            NodeKind::Account,
        ];
        KINDS.into_iter().find_map(|kind| self.place(kind, id))
    }

    pub fn company(&self, id: &str) -> Option<NodeIndex> {
        self.place(NodeKind::Company, id)
    }

    fn place(&self, kind: NodeKind, id: &str) -> Option<NodeIndex> {
        self.places.get(&(kind, id.to_owned())).copied()
    }

    pub fn node(&self, at: NodeIndex) -> &Node {
        &self.graph[at]
    }

    /// How many nodes it stands beside, however many edges join them.
    pub fn degree(&self, at: NodeIndex) -> usize {
        self.degrees[at.index()] as usize
    }

    /// Whether so many companies share it that it joins nobody.
    fn is_hub(&self, at: NodeIndex) -> bool {
        self.graph[at].kind != NodeKind::Company && self.degree(at) >= strength::HUB
    }

    fn strength(&self, edge: EdgeIndex) -> f64 {
        f64::from(self.strengths[edge.index()])
    }

    fn companies(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        self.graph.node_indices().filter(|at| self.graph[*at].kind == NodeKind::Company)
    }
}

#[cfg(test)]
mod tests;
