//! The factors of a score: what of a history a model is asked to look at.
//!
//! In: a [`History`]. Out: one number a [`Factor`], NaN where it is missing. Everything is as it was known at the end of
//! the as-of month: a due that was open then is open here, however it was paid later; the payments of that very month,
//! later declarations, audits and closings do not exist. A property test holds this. Nothing looks back further than a
//! year (claims two): a company with a longer history would otherwise look unlike those that were learnt from.

use super::history::{DEFAULT_DAYS, History, Standing, Trade, standings};
use super::month::Month;
use super::reasons::Reason;
use crate::scoring::table::days_since_1970;

/// One column of what a model looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    /// Never changes its meaning; another meaning gets another name.
    pub name: &'static str,
    pub reason: Reason,
    pub en: &'static str,
    pub ko: &'static str,
    pub unit: Unit,
}

/// How a factor's number is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Share,
    Days,
    Months,
    Won,
    /// So many times another amount.
    Times,
    /// 1 to 12.
    MonthOfYear,
    Flag,
}

const fn factor(name: &'static str, reason: Reason, unit: Unit, en: &'static str, ko: &'static str) -> Factor {
    Factor { name, reason, en, ko, unit }
}

/// In the order of the columns.
pub const FACTORS: [Factor; NUM_FACTORS] = {
    use Reason::{Age, Arrears, Audits, DaysLate, DutyRate, Goods, PastLateness, Phoenix, Season, Size, Trade};
    use Unit::{Count, Days, Flag, MonthOfYear, Months, Share, Times, Won};
    [
        factor("late_months_12", PastLateness, Count, "late dues in the last 12 months", "최근 12개월 연체 횟수"),
        factor("late_months_3", PastLateness, Count, "late dues in the last 3 months", "최근 3개월 연체 횟수"),
        factor(
            "late_share",
            PastLateness,
            Share,
            "share of the last 12 months' dues that were late",
            "최근 12개월 연체 비율",
        ),
        factor("months_since_late", PastLateness, Months, "months since the last late due", "마지막 연체 후 경과 개월"),
        factor("days_late_3", DaysLate, Days, "mean days late over the last 3 months", "최근 3개월 평균 지연일수"),
        factor("days_late_12", DaysLate, Days, "mean days late over the last 12 months", "최근 12개월 평균 지연일수"),
        factor(
            "days_late_usual",
            DaysLate,
            Days,
            "usual days late of dues paid in time",
            "정상 납부분의 통상 지연일수",
        ),
        factor("days_late_trend", DaysLate, Days, "rise of the days late against earlier months", "지연일수 증가 추세"),
        factor("arrears", Arrears, Won, "arrears", "미납액"),
        factor("arrears_ratio", Arrears, Times, "arrears against a usual month's dues", "월평균 세액 대비 미납액"),
        factor("oldest_arrears", Arrears, Days, "age of the oldest arrears", "가장 오래된 미납의 경과일수"),
        factor("open_dues", Arrears, Count, "dues that are open", "미납 건수"),
        factor("season", Season, MonthOfYear, "month of the year", "기준월"),
        factor("dues_mean", Size, Won, "mean dues of a month", "월평균 세액"),
        factor("dues_trend", Size, Times, "dues of the last 3 months against those before", "최근 3개월 세액 증감"),
        factor("declarations_12", Trade, Count, "declarations in the last 12 months", "최근 12개월 신고 건수"),
        factor("value_12", Trade, Won, "imports of the last 12 months", "최근 12개월 수입액"),
        factor(
            "value_trend",
            Trade,
            Times,
            "imports of the last 3 months against those before",
            "최근 3개월 수입액 증감",
        ),
        factor("largest_goods_share", Goods, Share, "share of the main kind of goods", "주력 품목 비중"),
        factor("kinds_of_goods", Goods, Count, "kinds of goods, by weight", "실질 품목 수"),
        factor("duty_rate", DutyRate, Share, "duty for the value of imports", "수입액 대비 관세 비율"),
        factor("age", Age, Days, "days since the company was founded", "설립 후 경과일수"),
        factor("months_known", Age, Months, "months with dues in the last 12", "최근 12개월 중 납세 개월 수"),
        factor("risen_from", Phoenix, Flag, "risen from a company that closed", "폐업 법인의 승계 정황"),
        factor("predecessor_arrears", Phoenix, Won, "arrears of the company it rose from", "승계 전 법인의 미납액"),
        factor(
            "months_since_claim",
            Audits,
            Months,
            "months since an audit that claimed something",
            "추징 조사 후 경과 개월",
        ),
        factor(
            "claims_ratio",
            Audits,
            Times,
            "claims of the last 2 years against a usual month's dues",
            "월평균 세액 대비 최근 2년 추징액",
        ),
    ]
};

pub const NUM_FACTORS: usize = 27;
/// Months that are looked back on.
pub const YEAR: i32 = 12;
/// Days late beyond which more tell nothing more, so that one old debt does not drown the mean.
const DAYS_CAP: f64 = 60.0;

/// Numbers of all factors, in the order of [`FACTORS`].
pub fn of(history: &History) -> [f32; NUM_FACTORS] {
    let taxes = Taxes::of(history);
    let trade = history.trade.as_deref().map(|months| Imports::of(months, history.as_of));
    let imports = |pick: fn(&Imports) -> f64| trade.as_ref().map_or(f64::NAN, pick);
    let firm = &history.firm;
    let predecessor: f64 = firm
        .risen_from
        .iter()
        .flat_map(|from| standings(&from.dues, history.as_of))
        .map(|(_, standing, _)| standing.owed())
        .sum();
    let [since_claim, claims] = claims(history);
    let numbers = [
        taxes.late(12),
        taxes.late(3),
        taxes.late_share(),
        taxes.since_late(),
        taxes.days(1, 3),
        taxes.days(1, 12),
        taxes.usual_days(),
        taxes.days(1, 3) - taxes.days(4, 12),
        taxes.owed(),
        taxes.owed() / taxes.dues(0, 11),
        taxes.oldest(),
        taxes.open(),
        f64::from(history.as_of.in_year()),
        taxes.dues(0, 11),
        taxes.dues(0, 2) / taxes.dues(3, 11),
        imports(|trade| trade.declarations),
        imports(|trade| trade.value),
        imports(|trade| trade.trend),
        imports(|trade| trade.largest),
        imports(|trade| trade.kinds),
        imports(|trade| trade.duty / trade.value),
        firm.founded.map_or(f64::NAN, |day| f64::from(history.as_of.last_day() - days_since_1970(day))),
        taxes.months_known(),
        f64::from(u8::from(firm.risen_from.is_some())),
        predecessor,
        since_claim,
        claims / taxes.dues(0, 11),
    ];
    // What is divided by nothing is missing, not endless.
    numbers.map(|number| if number.is_finite() { number as f32 } else { f32::NAN })
}

/// What a history leaves out, by the names of its parts.
pub fn missing(history: &History) -> Vec<&'static str> {
    let parts = [
        ("dues", !history.dues.iter().any(|due| due.month < history.as_of)),
        ("trade", history.trade.is_none()),
        ("audits", history.audits.is_none()),
        ("founded", history.firm.founded.is_none()),
    ];
    parts.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect()
}

/// How many of the last six dues were late: what a plain table asks.
pub fn late_of_six(history: &History) -> usize {
    history.standings().filter(|(ago, standing, _)| *ago <= 6 && standing.is_late()).count()
}

/// Dues with how they stood; months are counted back from the as-of month, 0.
struct Taxes {
    /// Of the last twelve months.
    known: Vec<(i32, Standing)>,
    /// Those that are open, of all months.
    open: Vec<Standing>,
    dues: Vec<(i32, f64)>,
}

impl Taxes {
    fn of(history: &History) -> Self {
        let all = || history.standings().map(|(ago, standing, _)| (ago, standing));
        let dues = history.dues.iter().map(|due| (history.as_of.since(due.month), due.due));
        Self {
            known: all().filter(|(ago, _)| *ago <= YEAR).collect(),
            open: all().map(|(_, standing)| standing).filter(|standing| standing.owed() > 0.0).collect(),
            dues: dues.filter(|(ago, _)| (0..YEAR).contains(ago)).collect(),
        }
    }

    fn late(&self, months: i32) -> f64 {
        let recent = self.known.iter().filter(|(ago, _)| *ago <= months);
        let late = recent.clone().filter(|(_, standing)| standing.is_late()).count();
        if recent.count() == 0 { f64::NAN } else { late as f64 }
    }

    fn late_share(&self) -> f64 {
        self.known.iter().filter(|(_, standing)| standing.is_late()).count() as f64 / self.known.len() as f64
    }

    fn since_late(&self) -> f64 {
        let last = self.known.iter().find(|(_, standing)| standing.is_late());
        last.map_or(f64::NAN, |(ago, _)| f64::from(*ago))
    }

    /// Mean days late of the dues `from` to `to` months ago.
    fn days(&self, from: i32, to: i32) -> f64 {
        let within = self.known.iter().filter(|(ago, _)| (from..=to).contains(ago));
        mean(within.map(|(_, standing)| standing.days().min(DAYS_CAP)))
    }

    /// Mean days late of those dues that were no default.
    fn usual_days(&self) -> f64 {
        let usual = self.known.iter().filter(|(_, standing)| standing.days() <= DEFAULT_DAYS);
        mean(usual.map(|(_, standing)| standing.days()))
    }

    fn owed(&self) -> f64 {
        self.open.iter().map(|standing| standing.owed()).sum()
    }

    fn oldest(&self) -> f64 {
        self.open.iter().map(|standing| standing.days()).fold(0.0, f64::max)
    }

    fn open(&self) -> f64 {
        self.open.len() as f64
    }

    /// Mean of what fell due `from` to `to` months ago.
    fn dues(&self, from: i32, to: i32) -> f64 {
        mean(self.dues.iter().filter(|(ago, _)| (from..=to).contains(ago)).map(|(_, due)| *due))
    }

    fn months_known(&self) -> f64 {
        self.dues.len() as f64
    }
}

/// The last 12 months of trade.
struct Imports {
    declarations: f64,
    value: f64,
    duty: f64,
    trend: f64,
    largest: f64,
    kinds: f64,
}

impl Imports {
    fn of(months: &[Trade], as_of: Month) -> Self {
        let year: Vec<(i32, &Trade)> = months
            .iter()
            .map(|trade| (as_of.since(trade.month), trade))
            .filter(|(ago, _)| (0..YEAR).contains(ago))
            .collect();
        let sum = |pick: fn(&Trade) -> f64| year.iter().map(|(_, trade)| pick(trade)).sum::<f64>();
        let recent: f64 = year.iter().filter(|(ago, _)| *ago < 3).map(|(_, trade)| trade.value).sum();
        let value = sum(|trade| trade.value);
        let mut goods: Vec<(&str, f64)> = Vec::new();
        for (kind, value) in year.iter().flat_map(|(_, trade)| &trade.goods) {
            match goods.iter_mut().find(|(known, _)| known == kind) {
                Some((_, sum)) => *sum += value,
                None => goods.push((kind, *value)),
            }
        }
        let all: f64 = goods.iter().map(|(_, value)| value).sum();
        let shares = goods.iter().map(|(_, value)| value / all);
        Self {
            declarations: sum(|trade| f64::from(trade.declarations)),
            value,
            duty: sum(|trade| trade.duty),
            trend: (recent / 3.0) / ((value - recent) / 9.0),
            largest: shares.clone().fold(f64::NAN, f64::max),
            kinds: 1.0 / shares.map(|share| share * share).sum::<f64>(),
        }
    }
}

/// Months since the last audit that claimed something, and what those of two years claimed.
fn claims(history: &History) -> [f64; 2] {
    let Some(audits) = &history.audits else { return [f64::NAN; 2] };
    let known =
        audits.iter().filter(|audit| audit.claimed > 0.0 && days_since_1970(audit.date) <= history.as_of.last_day());
    let ago = known.map(|audit| (history.as_of.since(Month::of(audit.date)), audit.claimed));
    let (mut since, mut sum) = (f64::NAN, 0.0);
    for (months, claimed) in ago {
        since = since.min(f64::from(months));
        sum += if months < 24 { claimed } else { 0.0 };
    }
    [since, sum]
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    sum / count
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;
    use crate::scoring::delinquency::history::{Audit, Due, Firm, Predecessor};

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn named(history: &History, name: &str) -> f32 {
        of(history)[FACTORS.iter().position(|factor| factor.name == name).unwrap()]
    }

    /// Dues of the months up to the as-of month, the last one first, each with its days late.
    fn history(days_late: &[f64]) -> History {
        let as_of = month("2025-06");
        let due = |(ago, days_late): (usize, &f64)| Due {
            month: as_of.plus(-(ago as i32)),
            due: 1_000.0,
            paid: 1_000.0,
            days_late: *days_late,
        };
        let dues = days_late.iter().enumerate().rev().map(due).collect();
        History { company: "A".into(), as_of, dues, trade: None, audits: None, firm: Firm::default() }
    }

    #[test]
    fn taxes_are_told_as_they_stood() {
        // This month's payment is not known; May's 40 days are 30 so far, April's 61.
        let seen = history(&[99.0, 40.0, 61.0, 5.0, 3.0, 35.0]);
        assert_eq!(named(&seen, "late_months_12"), 3.0);
        assert_eq!(named(&seen, "late_months_3"), 2.0);
        assert_eq!(named(&seen, "late_share"), 0.6);
        assert_eq!(named(&seen, "months_since_late"), 1.0);
        assert_eq!((named(&seen, "arrears"), named(&seen, "open_dues")), (1_000.0, 1.0));
        assert_eq!(named(&seen, "oldest_arrears"), 30.0);
        assert_eq!(named(&seen, "days_late_3"), (30.0 + 60.0 + 5.0) / 3.0);
        assert_eq!(named(&seen, "days_late_usual"), 38.0 / 3.0);
        assert_eq!((named(&seen, "arrears_ratio"), named(&seen, "season")), (1.0, 6.0));
        assert_eq!(missing(&seen), ["trade", "audits", "founded"]);
        assert_eq!(late_of_six(&seen), 3);
        let unknown = history(&[4.0]);
        assert!(named(&unknown, "late_share").is_nan() && named(&unknown, "days_late_12").is_nan());
        assert_eq!(missing(&unknown)[0], "dues");
    }

    #[test]
    fn trade_audits_and_firm_are_told() {
        let mut seen = history(&[0.0; 6]);
        let goods = |heading: &str, value| (heading.to_owned(), value);
        let trade = |text: &str, value: f64, goods| Trade {
            month: month(text),
            declarations: 2,
            value,
            duty: value / 10.0,
            goods,
        };
        seen.trade = Some(vec![
            trade("2024-06", 9e9, vec![goods("0000", 9e9)]),
            trade("2024-12", 900.0, vec![goods("8501", 900.0)]),
            trade("2025-05", 600.0, vec![goods("8501", 300.0), goods("4202", 300.0)]),
        ]);
        seen.audits = Some(vec![Audit { date: Date::constant(2025, 3, 9), claimed: 500.0 }]);
        seen.firm.founded = Some(Date::constant(2025, 6, 1));
        assert_eq!((named(&seen, "declarations_12"), named(&seen, "value_12")), (4.0, 1500.0));
        assert_eq!((named(&seen, "largest_goods_share"), named(&seen, "duty_rate")), (0.8, 0.1));
        assert!((named(&seen, "kinds_of_goods") - 1.0 / (0.64 + 0.04)).abs() < 1e-6);
        assert_eq!(named(&seen, "value_trend"), 2.0);
        assert_eq!((named(&seen, "months_since_claim"), named(&seen, "claims_ratio")), (3.0, 0.5));
        assert_eq!((named(&seen, "age"), named(&seen, "risen_from")), (29.0, 0.0));
        assert!(missing(&seen).is_empty());
    }

    /// Twelve months of dues, of trade and of audits around the as-of month.
    fn anything() -> impl Strategy<Value = History> {
        let due = (0.0..1e6_f64, prop::bool::weighted(0.8), 0.0..200.0_f64);
        let dues = prop::collection::vec(due, 12);
        let days = prop::collection::vec((1..28_i8, 0.0..1e6_f64), 12);
        (dues, days, 0..12_i32).prop_map(|(dues, days, seen_from)| {
            let first = month("2025-01");
            let dues: Vec<Due> = (0..12)
                .zip(dues)
                .map(|(at, (due, is_paid, days_late))| Due {
                    month: first.plus(at),
                    due,
                    paid: if is_paid { due } else { due / 2.0 },
                    days_late: days_late.round(),
                })
                .collect();
            let trade = (0..12).zip(&days).map(|(at, (_, value))| Trade {
                month: first.plus(at),
                declarations: 1,
                value: *value,
                duty: value / 9.0,
                goods: vec![(format!("{:04}", at % 3), *value)],
            });
            let audit = |(at, (day, claimed)): (i8, &(i8, f64))| Audit {
                date: Date::new(2025, at + 1, *day).unwrap(),
                claimed: *claimed,
            };
            History {
                company: "A".into(),
                as_of: first.plus(seen_from),
                trade: Some(trade.collect()),
                audits: Some((0..12).zip(&days).map(audit).collect()),
                firm: Firm {
                    founded: Some(Date::constant(2024, 1, 1)),
                    closed: None,
                    risen_from: Some(Predecessor { company: "B".into(), dues: dues.clone() }),
                },
                dues,
            }
        })
    }

    /// The same with all that came to be known after the as-of month made otherwise.
    fn with_another_future(history: &History) -> History {
        let mut other = history.clone();
        let (as_of, day) = (history.as_of, f64::from(history.as_of.last_day()));
        let change = |dues: &mut Vec<Due>| {
            for due in dues.iter_mut() {
                let days = day - f64::from(due.month.last_day());
                if due.month >= as_of {
                    (due.paid, due.days_late) = (0.0, 150.0);
                } else if due.days_late > days {
                    (due.paid, due.days_late) = (due.due, days + 77.0);
                }
                if due.month > as_of {
                    due.due *= 3.0;
                }
            }
        };
        change(&mut other.dues);
        other.firm.risen_from.iter_mut().for_each(|from| change(&mut from.dues));
        other.firm.closed = Some(Date::constant(2026, 3, 1));
        let trade = other.trade.as_mut().unwrap();
        trade.iter_mut().filter(|trade| trade.month > as_of).for_each(|trade| {
            trade.value *= 5.0;
            trade.goods.clear();
        });
        other.audits.as_mut().unwrap().retain(|audit| Month::of(audit.date) <= as_of);
        other
    }

    proptest! {
        #[test]
        fn what_became_known_later_changes_no_factor(history in anything()) {
            let other = with_another_future(&history);
            prop_assert_ne!(&history, &other);
            let bits = |history: &History| of(history).map(f32::to_bits);
            prop_assert_eq!(bits(&history), bits(&other));
            prop_assert_eq!(late_of_six(&history), late_of_six(&other));
            prop_assert_eq!(history.had_closed(), other.had_closed());
            let rules = |history: &History| crate::scoring::delinquency::rules::applied(history, &Default::default());
            prop_assert_eq!(rules(&history), rules(&other));
        }
    }
}
