//! HS codes for a description of goods, in either language.
//!
//! In: past descriptions with their codes, the nomenclature, a national tariff, a list of vague texts. Out: a [`Model`]
//! on its [`Shelf`](super::Shelf) and [`Recommendation`]s: codes of 2, 4 and 6 digits with probabilities, sets with a
//! stated coverage, national lines, similar texts, and whether the text is too vague. Knows nothing of declarations.
//!
//! `source` reads, `built_in` holds our own words for the headings, `features` weighs words and `meanings` encodes texts;
//! `neighbours` and `linear` find signals in both, which `base` gathers; `blend` makes probabilities of them, `sets` bounds, `refusal` abstains, `question` asks
//! on; `parts` keeps what is measured apart from what is learnt.

mod base;
mod blend;
mod built_in;
mod card;
mod code;
mod features;
mod linear;
mod meanings;
mod model;
mod neighbours;
mod parts;
mod question;
mod refusal;
mod report;
mod sets;
mod source;
mod train;

pub use model::{Line, Model, Ranked, Recommendation, Similar, Stated};
pub use question::{Answer, Choice, Question};
pub use report::Report;
pub use source::Kind;
pub use train::{Training, train};
