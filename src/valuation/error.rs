//! Why a case cannot be computed at all. Facts that are merely missing are no error: the worksheet lists them.

use jiff::civil::Date;

use super::money::Currency;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the case cannot be read at `{place}`: {reason}")]
    Malformed { place: String, reason: String },
    #[error("`goods` holds nothing, and at least 1 line is needed")]
    NoGoods,
    #[error("`goods` holds {given} lines, and the most is {limit}")]
    TooManyGoods { given: usize, limit: usize },
    #[error("`{place}` is {given} {unit}, and the most is {limit} {unit}")]
    AboveLimit { place: String, given: String, limit: String, unit: &'static str },
    #[error("`{place}` is {given} {unit}, and the least is {limit} {unit}")]
    BelowLimit { place: String, given: String, limit: String, unit: &'static str },
    #[error("`{place}` is 0, and more is needed: something is divided by it")]
    Zero { place: String },
    #[error("`{place}` is {part}, more than the whole of {whole}")]
    PartAboveWhole { place: String, part: String, whole: String },
    #[error("`{place}` and `{other}` say the same thing twice: leave one away")]
    Twice { place: String, other: String },
    #[error("currency `{currency}` of `{place}` has no rate\n\nhint: give it in `rates` with the week of {declared}")]
    NoRate { currency: Currency, place: String, declared: Date },
    #[error("`{place}` is a rate for `{currency}`, the country's own currency, which needs none")]
    OwnCurrency { place: String, currency: Currency },
    #[error(
        "`{place}` is the rate of the week {given_from} to {given_to}, and the declaration of {declared} stands in the \
         week {from} to {to}, Sunday to Saturday"
    )]
    WrongWeek { place: String, given_from: Date, given_to: Date, declared: Date, from: Date, to: Date },
    #[error("`{place}` begins on {given}, and the week before the declaration's has its Monday on {needed}")]
    WrongQuotations { place: String, given: Date, needed: Date },
    #[error("`{place}` needs `{needed}`")]
    Needs { place: String, needed: &'static str },
    #[error("`{place}` lies after the import declaration of {declared}: {given}")]
    AfterDeclaration { place: String, given: Date, declared: Date },
    #[error("`{place}` does not fit: a {right} relates to goods in other ways than `{given}`")]
    OddRelation { place: String, right: String, given: String },
    #[error(
        "`{place}` is given, and the rate of this liquor stands in the Act: a Decree moves that of takju and beer only"
    )]
    FixedRate { place: String },
    #[error("`{place}` is law of Korea, and the case is of system `us`")]
    NotInUs { place: String },
}
