//! Phoenixes: a company closed in debt, and another was founded shortly after by the same people, at the same place or
//! on the same account, that deals in the same goods.
//!
//! What two companies share is weighed by how many share it: an accountant who is an officer of thirty says little, and
//! so does an address of a hundred. The points are a judgement of what such cases show, not learnt; whoever reaches
//! [`THRESHOLD`] is named with all that was counted.

use std::collections::HashMap;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Serialize;

use crate::lang::grouped;
use crate::network::{CompanyFacts, EdgeKind, Network, Node, NodeKind};

/// A company that closed in debt and the one that it seems to have risen as.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phoenix {
    pub predecessor: Node,
    pub successor: Node,
    /// Points, 5 at least.
    pub score: f64,
    /// From closing to founding; negative where it was founded before.
    pub gap_days: i32,
    pub arrears_krw: i64,
    pub evidence: Vec<Evidence>,
    pub en: String,
    pub ko: String,
}

/// One thing that speaks for it, or with points below 0 against it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    pub link: Link,
    /// The shared party, address, phone or account; none for goods, sellers and time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Node>,
    /// Companies that share it, these two among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_by: Option<usize>,
    pub points: f64,
}

/// What is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    Person,
    Family,
    Address,
    Phone,
    Account,
    Goods,
    Sellers,
    Time,
}

impl Link {
    /// Points if the two alone share it, or share all of it.
    fn points(self) -> f64 {
        match self {
            Self::Account => 4.0,
            Self::Person | Self::Phone => 3.0,
            Self::Address => 2.5,
            Self::Family | Self::Goods | Self::Sellers => 2.0,
            Self::Time => 1.0,
        }
    }
}

/// Points from which two companies are named: two links of their own, or one and the same goods of the same sellers.
pub const THRESHOLD: f64 = 5.0;
/// Months unpaid from which a company closed in debt: one may be an oversight.
const LEAST_UNPAID: i64 = 2;
/// Days before and after the closing within which the successor is founded.
const WINDOW: std::ops::RangeInclusive<i32> = -60..=365;

impl Network {
    /// All pairs that reach the threshold, the clearest first; each successor with its likeliest predecessor.
    pub fn phoenixes(&self) -> Vec<Phoenix> {
        let mut best: HashMap<NodeIndex, Phoenix> = HashMap::new();
        for (old, facts) in self.closed_in_debt() {
            for (new, links) in self.linked(old) {
                let Some(phoenix) = self.judge(old, facts, new, links) else { continue };
                match best.get(&new) {
                    Some(other) if other.score >= phoenix.score => {}
                    _ => {
                        best.insert(new, phoenix);
                    }
                }
            }
        }
        let mut phoenixes: Vec<Phoenix> = best.into_values().collect();
        phoenixes.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.successor.id.cmp(&b.successor.id)));
        phoenixes
    }

    fn closed_in_debt(&self) -> impl Iterator<Item = (NodeIndex, &CompanyFacts)> {
        self.companies().filter_map(|company| {
            let facts = self.facts.get(&company)?;
            (facts.closed.is_some() && facts.unpaid_months >= LEAST_UNPAID).then_some((company, facts))
        })
    }

    /// Companies that share something with `old`, with what they share.
    fn linked(&self, old: NodeIndex) -> HashMap<NodeIndex, Vec<(Link, NodeIndex)>> {
        let mut linked: HashMap<NodeIndex, Vec<(Link, NodeIndex)>> = HashMap::new();
        let mut add = |link: Link, shared: NodeIndex| {
            for company in self.companies_at(shared) {
                let links = linked.entry(company).or_default();
                if company != old && !links.contains(&(link, shared)) {
                    links.push((link, shared));
                }
            }
        };
        for edge in self.graph.edges(old) {
            let other = edge.target();
            match edge.weight().kind {
                EdgeKind::Address => add(Link::Address, other),
                EdgeKind::Phone => add(Link::Phone, other),
                EdgeKind::Account => add(Link::Account, other),
                EdgeKind::Officer | EdgeKind::Owner if self.graph[other].kind == NodeKind::Person => {
                    add(Link::Person, other);
                    for relative in self.graph.edges(other).filter(|edge| edge.weight().kind == EdgeKind::Family) {
                        add(Link::Family, relative.target());
                    }
                }
                _ => {}
            }
        }
        linked.remove(&old);
        linked
    }

    /// Companies beside a shared node, or in which a person has a role.
    fn companies_at(&self, shared: NodeIndex) -> Vec<NodeIndex> {
        let mut companies: Vec<NodeIndex> =
            self.graph.neighbors(shared).filter(|other| self.graph[*other].kind == NodeKind::Company).collect();
        companies.sort_unstable();
        companies.dedup();
        companies
    }

    fn judge(
        &self,
        old: NodeIndex,
        facts: &CompanyFacts,
        new: NodeIndex,
        mut links: Vec<(Link, NodeIndex)>,
    ) -> Option<Phoenix> {
        let successor = self.facts.get(&new)?;
        let gap_days = facts.closed?.until(successor.founded?).ok()?.get_days();
        if !WINDOW.contains(&gap_days) {
            return None;
        }
        links.sort();
        let mut evidence = Vec::new();
        for (link, shared) in links {
            let shared_by = self.companies_at(shared).len();
            let points = link.points() * (2.0 / shared_by.max(2) as f64).sqrt();
            evidence.push(Evidence {
                link,
                node: Some(self.graph[shared].clone()),
                shared_by: Some(shared_by),
                points,
            });
        }
        for (link, likeness) in [
            // Whoever goes on goes on in the same goods: from 1 for the same mix to -1/2 for nothing in common.
            (Link::Goods, cosine(&facts.goods, &successor.goods).map_or(0.0, |cosine| 1.5 * cosine - 0.5)),
            (Link::Sellers, self.sellers_alike(old, new)),
            // The sooner the likelier; full for the first third of the window.
            (Link::Time, (1.5 * (1.0 - f64::from(gap_days.max(0)) / f64::from(*WINDOW.end()))).min(1.0)),
        ] {
            if likeness != 0.0 {
                evidence.push(Evidence { link, node: None, shared_by: None, points: link.points() * likeness });
            }
        }
        let score: f64 = evidence.iter().map(|evidence| evidence.points).sum();
        if score < THRESHOLD {
            return None;
        }
        evidence.sort_by(|a, b| b.points.total_cmp(&a.points));
        let (predecessor, successor) = (self.graph[old].clone(), self.graph[new].clone());
        let name = |name: &Option<String>, id: &str| name.clone().unwrap_or_else(|| id.to_owned());
        let told = |words: fn(Link) -> &'static str| -> String {
            let mut told: Vec<&str> = evidence
                .iter()
                .filter(|evidence| evidence.points >= 0.5)
                .map(|evidence| words(evidence.link))
                .collect();
            told.dedup();
            told.join(", ")
        };
        let arrears_krw = facts.arrears_krw;
        let (days, arrears) = (gap_days.abs(), grouped(arrears_krw));
        let (en_when, ko_when) = if gap_days < 0 { ("before", "전") } else { ("after", "뒤") };
        let en = format!(
            "{} closed owing {arrears} won; {} was founded {days} days {en_when} and shares: {}",
            name(&predecessor.name_en, &predecessor.id),
            name(&successor.name_en, &successor.id),
            told(in_english),
        );
        let ko = format!(
            "{}: 체납 {arrears}원을 남기고 폐업, {}: 그 {days}일 {ko_when} 설립. 공통점: {}",
            name(&predecessor.name_ko, &predecessor.id),
            name(&successor.name_ko, &successor.id),
            told(in_korean),
        );
        Some(Phoenix { predecessor, successor, score, gap_days, arrears_krw, evidence, en, ko })
    }

    /// Sellers that both buy from, as a share of those of whoever has fewer: a new company has met few yet.
    fn sellers_alike(&self, old: NodeIndex, new: NodeIndex) -> f64 {
        let sellers = |company: NodeIndex| -> Vec<NodeIndex> {
            let partners = self.graph.edges(company).filter(|edge| edge.weight().kind == EdgeKind::Partner);
            let mut sellers: Vec<NodeIndex> = partners.map(|edge| edge.target()).collect();
            sellers.sort_unstable();
            sellers
        };
        let (a, b) = (sellers(old), sellers(new));
        let both = a.iter().filter(|seller| b.binary_search(seller).is_ok()).count();
        both as f64 / a.len().min(b.len()).max(1) as f64
    }
}

/// How alike two companies' goods are, by the value of each code: 1 for the same mix, 0 for nothing in common; `None`
/// where one of them declared nothing.
fn cosine(a: &[(String, i64)], b: &[(String, i64)]) -> Option<f64> {
    let of_b: HashMap<&str, f64> = b.iter().map(|(hs, value)| (hs.as_str(), *value as f64)).collect();
    let product: f64 = a.iter().map(|(hs, value)| *value as f64 * of_b.get(hs.as_str()).copied().unwrap_or(0.0)).sum();
    let length = |goods: &[(String, i64)]| goods.iter().map(|(_, value)| (*value as f64).powi(2)).sum::<f64>().sqrt();
    let lengths = length(a) * length(b);
    (lengths > 0.0).then(|| product / lengths)
}

fn in_english(link: Link) -> &'static str {
    match link {
        Link::Person => "people",
        Link::Family => "family",
        Link::Address => "address",
        Link::Phone => "phone",
        Link::Account => "account",
        Link::Goods => "goods",
        Link::Sellers => "sellers",
        Link::Time => "time",
    }
}

fn in_korean(link: Link) -> &'static str {
    match link {
        Link::Person => "인물",
        Link::Family => "가족",
        Link::Address => "주소",
        Link::Phone => "전화",
        Link::Account => "계좌",
        Link::Goods => "품목",
        Link::Sellers => "해외거래처",
        Link::Time => "시기",
    }
}
