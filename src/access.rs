//! What a caller may see and call: a label, and where an administration wants it, lists of tools and corpora.
//!
//! In: a role of the settings. Out: a [`Grant`] that travels with each of its requests. Knows no tool and no corpus by name;
//! whoever holds one asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Whose eyes a result is for. A caller sees those of its own label and of the labels before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Rules and published tables.
    Public,
    /// Declarations and scores of goods.
    Officer,
    /// Companies, people and arrears.
    Audit,
}

/// What one caller may. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub access: Access,
    /// The tools it may call; all that its label allows where absent.
    tools: Option<Arc<BTreeSet<String>>>,
    /// The corpora it may read; all where absent.
    corpora: Option<Arc<BTreeSet<String>>>,
}

impl Grant {
    /// Of the staff, where nobody has said otherwise.
    pub fn everything() -> Self {
        Self { access: Access::Audit, tools: None, corpora: None }
    }

    pub fn new(access: Access, tools: Option<Vec<String>>, corpora: Option<Vec<String>>) -> Self {
        let set = |names: Vec<String>| Arc::new(names.into_iter().collect());
        Self { access, tools: tools.map(set), corpora: corpora.map(set) }
    }

    /// Whether it may call a tool whose results are for `needed`.
    pub fn may_call(&self, tool: &str, needed: Access) -> bool {
        needed <= self.access && self.tools.as_ref().is_none_or(|tools| tools.contains(tool))
    }

    pub fn may_read(&self, corpus: &str) -> bool {
        self.corpora.as_ref().is_none_or(|corpora| corpora.contains(corpus))
    }

    /// The tools it is bound to, where it is.
    pub fn tools(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().flat_map(|tools| tools.iter()).map(String::as_str)
    }

    /// The corpora it is bound to, where it is.
    pub fn corpora(&self) -> Option<Vec<String>> {
        self.corpora.as_ref().map(|corpora| corpora.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_holds_what_stands_before_it_and_a_list_narrows_it() {
        let officer = Grant::new(Access::Officer, None, None);
        assert!(officer.may_call("risk_score", Access::Officer) && officer.may_call("tariff_rate", Access::Public));
        assert!(!officer.may_call("company_profile", Access::Audit));
        let clerk = Grant::new(Access::Officer, Some(vec!["tariff_rate".into()]), Some(vec!["general".into()]));
        assert!(clerk.may_call("tariff_rate", Access::Public) && !clerk.may_call("risk_score", Access::Officer));
        assert!(clerk.may_read("general") && !clerk.may_read("valuation"));
        assert!(Grant::everything().may_read("valuation"));
    }
}
