//! The graph, made of a register or by hand.

use std::collections::HashMap;
use std::sync::OnceLock;

use petgraph::graph::{NodeIndex, UnGraph};
use unicode_normalization::UnicodeNormalization;

use super::strength::{degrees, strength};
use super::{CompanyFacts, Edge, EdgeKind, Network, Node, NodeKind};
use crate::register::{self, Holder, Register, RoleKind};

/// A graph in the making.
#[derive(Default)]
pub struct Builder {
    graph: UnGraph<Node, Edge>,
    places: HashMap<(NodeKind, String), NodeIndex>,
    facts: HashMap<NodeIndex, CompanyFacts>,
}

impl Builder {
    /// The node of a kind and id, made where it is missing.
    pub fn node(&mut self, kind: NodeKind, id: &str, name_ko: Option<String>, name_en: Option<String>) -> NodeIndex {
        *self
            .places
            .entry((kind, id.to_owned()))
            .or_insert_with(|| self.graph.add_node(Node { kind, id: id.to_owned(), name_ko, name_en }))
    }

    /// An address, phone or account: the same however it is written.
    fn shared(&mut self, kind: NodeKind, text: &str, en: Option<&str>) -> NodeIndex {
        self.node(kind, &plain_text(text), Some(text.to_owned()), Some(en.unwrap_or(text).to_owned()))
    }

    pub fn edge(&mut self, from: NodeIndex, to: NodeIndex, edge: Edge) {
        self.graph.add_edge(from, to, edge);
    }

    fn plain(&mut self, from: NodeIndex, to: NodeIndex, kind: EdgeKind) {
        self.edge(from, to, Edge { kind, share: None, declarations: None });
    }

    pub fn facts(&mut self, company: NodeIndex, facts: CompanyFacts) {
        self.facts.insert(company, facts);
    }

    pub fn finish(self, is_demo: bool) -> Network {
        let Self { graph, places, facts } = self;
        let degrees = degrees(&graph);
        let strengths = graph.edge_indices().map(|edge| strength(&graph, &degrees, edge) as f32).collect();
        Network { graph, strengths, degrees, places, facts, is_demo, survey: OnceLock::new() }
    }
}

/// A text without blanks, marks and case: `02-123-4567` is `02 1234567`.
pub(super) fn plain_text(text: &str) -> String {
    let letters: String = text.nfkc().filter(|c| c.is_alphanumeric()).collect();
    // Of marks alone nothing is left, and all such would be one.
    if letters.is_empty() { text.to_owned() } else { letters.to_lowercase() }
}

impl Network {
    /// Draws the graph of all that the register holds.
    ///
    /// # Errors
    /// Those of reading the register.
    pub fn read(register: &Register) -> Result<Self, register::Error> {
        let mut builder = Builder::default();
        for company in register.companies()? {
            let at = builder.node(NodeKind::Company, &company.id, company.name_ko, company.name_en);
            let (founded, closed) = (company.founded, company.closed);
            builder.facts(at, CompanyFacts { founded, closed, ..CompanyFacts::default() });
            // The Korean address is what is filed; the English one only tells it.
            if let Some(address) = company.address_ko.as_deref().or(company.address_en.as_deref()) {
                let shared = builder.shared(NodeKind::Address, address, company.address_en.as_deref());
                builder.plain(at, shared, EdgeKind::Address);
            }
            if let Some(phone) = &company.phone {
                let shared = builder.shared(NodeKind::Phone, phone, None);
                builder.plain(at, shared, EdgeKind::Phone);
            }
            if let Some(account) = &company.account {
                let shared = builder.shared(NodeKind::Account, account, None);
                builder.plain(at, shared, EdgeKind::Account);
            }
        }
        builder.parties(register)?;
        builder.trade(register)?;
        builder.books(register)?;
        Ok(builder.finish(register.is_demo()))
    }
}

impl Builder {
    fn known(&mut self, kind: NodeKind, id: &str) -> NodeIndex {
        self.node(kind, id, None, None)
    }

    /// People and their roles, sellers, brokers.
    fn parties(&mut self, register: &Register) -> Result<(), register::Error> {
        for person in register.people()? {
            self.node(NodeKind::Person, &person.id, person.name_ko, person.name_en);
        }
        for role in register.roles()? {
            let company = self.known(NodeKind::Company, &role.company);
            let holder = match &role.holder {
                Holder::Person(id) => self.known(NodeKind::Person, id),
                Holder::Company(id) => self.known(NodeKind::Company, id),
            };
            let kind = match role.kind {
                RoleKind::Officer => EdgeKind::Officer,
                RoleKind::Owner => EdgeKind::Owner,
            };
            self.edge(holder, company, Edge { kind, share: role.share, declarations: None });
        }
        for family in register.families()? {
            let person = self.known(NodeKind::Person, &family.person);
            let relative = self.known(NodeKind::Person, &family.relative);
            self.plain(person, relative, EdgeKind::Family);
        }
        for seller in register.sellers()? {
            let at = self.node(NodeKind::Seller, &seller.id, None, seller.name);
            for company in seller.related_to {
                let company = self.known(NodeKind::Company, &company);
                self.plain(at, company, EdgeKind::Related);
            }
        }
        for broker in register.brokers()? {
            self.node(NodeKind::Broker, &broker.id, broker.name_ko, broker.name_en);
        }
        Ok(())
    }

    fn trade(&mut self, register: &Register) -> Result<(), register::Error> {
        let sums = [
            (register.partners()?, NodeKind::Seller, EdgeKind::Partner),
            (register.brokerage()?, NodeKind::Broker, EdgeKind::Broker),
        ];
        for (sums, node, kind) in sums {
            for sum in sums {
                let importer = self.known(NodeKind::Company, &sum.importer);
                let partner = self.known(node, &sum.partner);
                self.edge(importer, partner, Edge { kind, share: None, declarations: Some(sum.declarations) });
            }
        }
        Ok(())
    }

    /// What companies deal in, owe, and were found to have kept back.
    fn books(&mut self, register: &Register) -> Result<(), register::Error> {
        for goods in register.goods()? {
            let company = self.known(NodeKind::Company, &goods.importer);
            self.facts.entry(company).or_default().goods.push((goods.hs, goods.value_krw));
        }
        if let Some(span) = register.span()? {
            for payment in register.payments(span.to)? {
                let company = self.known(NodeKind::Company, &payment.company);
                let facts = self.facts.entry(company).or_default();
                (facts.arrears_krw, facts.unpaid_months) = (payment.arrears_krw, payment.unpaid_months);
            }
        }
        for audit in register.all_audits()? {
            let company = self.known(NodeKind::Company, &audit.company);
            self.facts.entry(company).or_default().claimed_krw += audit.claimed_krw;
        }
        Ok(())
    }
}
