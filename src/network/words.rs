//! Nodes and edges in words of both languages. Korean is written with headings and without particles, which would hang
//! on how a name ends.

use petgraph::graph::{EdgeIndex, NodeIndex};

use super::strength::{HUB, shared_end};
use super::{EdgeKind, Network, NodeKind};
use crate::lang::Language;

impl Network {
    /// A node's name, with its id where it has both.
    pub fn name(&self, at: NodeIndex, language: Language) -> String {
        let node = &self.graph[at];
        let (first, second) = match language {
            Language::Ko => (&node.name_ko, &node.name_en),
            Language::En => (&node.name_en, &node.name_ko),
        };
        let is_party = matches!(node.kind, NodeKind::Company | NodeKind::Person | NodeKind::Seller | NodeKind::Broker);
        match first.as_ref().or(second.as_ref()) {
            Some(name) if is_party => format!("{name} ({})", node.id),
            Some(name) => name.clone(),
            None => node.id.clone(),
        }
    }

    /// How many share what an edge leads to, where they are so many that it weighs little.
    pub(super) fn hub(&self, edge: EdgeIndex) -> Option<usize> {
        let shared = shared_end(&self.graph, edge)?;
        Some(self.degree(shared)).filter(|degree| *degree >= HUB)
    }

    /// What an edge says.
    pub fn edge_in_words(&self, edge: EdgeIndex, language: Language) -> String {
        let Some((from, to)) = self.graph.edge_endpoints(edge) else { return String::new() };
        let (a, b) = (self.name(from, language), self.name(to, language));
        let edge_of = &self.graph[edge];
        let share = edge_of.share.map(|share| format!("{:.1}%", share * 100.0));
        let count = edge_of.declarations.unwrap_or_default();
        let mut text = match language {
            Language::En => match edge_of.kind {
                EdgeKind::Owner => match share {
                    Some(share) => format!("{a} owns {share} of {b}"),
                    None => format!("{a} owns a part of {b}"),
                },
                EdgeKind::Officer => format!("{a} is an officer of {b}"),
                EdgeKind::Family => format!("{a} and {b} are of one family"),
                EdgeKind::Address => format!("{a} sits at {b}"),
                EdgeKind::Phone => format!("{a} has the phone {b}"),
                EdgeKind::Account => format!("{a} has the account {b}"),
                EdgeKind::Partner => format!("{a} buys from {b} ({count} declarations)"),
                EdgeKind::Related => format!("{a} belongs together with {b}"),
                EdgeKind::Broker => format!("{a} declares through {b} ({count} declarations)"),
            },
            Language::Ko => match edge_of.kind {
                EdgeKind::Owner => match share {
                    Some(share) => format!("{b}의 주주: {a} (지분 {share})"),
                    None => format!("{b}의 주주: {a}"),
                },
                EdgeKind::Officer => format!("{b}의 임원: {a}"),
                EdgeKind::Family => format!("가족 관계: {a}, {b}"),
                EdgeKind::Address => format!("{a}의 주소: {b}"),
                EdgeKind::Phone => format!("{a}의 전화: {b}"),
                EdgeKind::Account => format!("{a}의 계좌: {b}"),
                EdgeKind::Partner => format!("{a}의 해외거래처: {b} (신고 {count}건)"),
                EdgeKind::Related => format!("{b}의 특수관계 거래처: {a}"),
                EdgeKind::Broker => format!("{a}의 관세사: {b} (신고 {count}건)"),
            },
        };
        if let Some(shared_by) = self.hub(edge) {
            text.push_str(&match language {
                Language::En => format!("; {shared_by} share it, so it weighs little"),
                Language::Ko => format!("; {shared_by}곳이 공유하여 비중이 작음"),
            });
        }
        text
    }
}
