use rusqlite::Connection;

use super::*;
use crate::demo::World;
use crate::lang::Language;
use crate::register::import;

struct Home {
    folder: tempfile::TempDir,
    register: Register,
    network: Network,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let world = folder.path().join("world");
    World { seed: 6, scale: 0.1 }.write(&world).unwrap();
    let (register, _) = import(folder.path(), &world).unwrap();
    let network = Network::read(&register).unwrap();
    Home { folder, register, network }
}

impl Home {
    fn profile(&self, id: &str, as_of: &str) -> Profile {
        let scope = Scope { as_of: Some(as_of.parse().unwrap()), ..Scope::default() };
        profile(&self.register, &self.network, id, scope).unwrap()
    }

    /// What SQLite says of the rows that a fact names.
    fn ask(&self, select: &str, source: &Source) -> i64 {
        let Source::Rows { table, condition } = source else { panic!("{source:?} is of no one table") };
        let connection = Connection::open(self.folder.path().join(register::FILE)).unwrap();
        let sql = format!("SELECT {select} FROM {table} WHERE {condition}");
        connection.query_row(&sql, [], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0)
    }

    /// The company with the most trade.
    fn busiest(&self) -> String {
        let companies = self.register.companies().unwrap();
        let total = |id: &str| self.register.industry(id).unwrap().map_or(0, |industry| industry.total_krw);
        companies.into_iter().map(|company| company.id).max_by_key(|id| total(id)).unwrap()
    }
}

#[test]
fn every_number_can_be_looked_up_where_its_fact_says() {
    let home = home();
    let id = home.busiest();
    let profile = home.profile(&id, "2025-05-15");
    assert_eq!(profile.quarter.to.to_string(), "2025-03-31");
    assert_eq!(profile.year.from.to_string(), "2024-04-01");
    let trade = profile.trade.as_ref().unwrap();
    let value = "SUM(value_krw)";
    assert_eq!(trade.total.value.value_krw, home.ask(value, &trade.total.source));
    assert_eq!(trade.total.value.declarations, home.ask("COUNT(*)", &trade.total.source));
    assert_eq!(trade.last_quarter.value.value_krw, home.ask(value, &trade.last_quarter.source));
    let quarters: i64 = trade.quarters.value.iter().map(|quarter| quarter.value_krw).sum();
    assert_eq!(quarters, home.ask(value, &trade.quarters.source));
    for slices in [&trade.goods, &trade.origins, &trade.sellers, &trade.brokers] {
        let of_year = home.ask(value, &slices.source);
        for Slice { tally, share } in &slices.value {
            assert!((share - tally.value_krw as f64 / of_year as f64).abs() < 1e-12);
        }
    }
    let first = &trade.goods.value[0].tally;
    let of_goods = format!("SUM(CASE WHEN hs = '{}' THEN value_krw END)", first.key);
    assert_eq!(first.value_krw, home.ask(&of_goods, &trade.goods.source));
    let finances = profile.finances.as_ref().unwrap();
    assert_eq!(finances.months.value as i64, home.ask("COUNT(*)", &finances.months.source));
    assert_eq!(finances.due_krw.value, home.ask("SUM(due_krw)", &finances.due_krw.source));
    assert_eq!(finances.arrears_krw.value, home.ask("SUM(arrears_krw)", &finances.arrears_krw.source));
    assert_eq!(finances.late_months.value as i64, home.ask("COUNT(*)", &finances.late_months.source));
    let inspections = &profile.inspections;
    assert_eq!(inspections.value.inspected, home.ask("COUNT(*)", &inspections.source));
    assert_eq!(inspections.value.fraud, home.ask("SUM(fraud)", &inspections.source));
    let peers = profile.peers.as_ref().unwrap();
    assert_eq!(peers.num_peers.value as i64, home.ask("COUNT(*)", &peers.num_peers.source));
    assert!(!peers.unit_values.is_empty());
    for fact in &peers.unit_values {
        let own = format!(
            "CAST(1000 * SUM(value_krw) FILTER (WHERE importer = '{id}') / SUM(mass_kg) FILTER (WHERE importer = '{id}') AS INTEGER)"
        );
        let expected = home.ask(&own, &fact.source) as f64 / 1000.0;
        assert!((fact.value.krw_per_kg.own - expected).abs() < 0.002 * expected, "{fact:?} {expected}");
        let others = home.ask("COUNT(DISTINCT importer)", &fact.source) - 1;
        assert_eq!(fact.value.krw_per_kg.others as i64, others);
    }
    assert_eq!(profile.roles.value.len() as i64, home.ask("COUNT(*)", &profile.roles.source));
    assert_eq!(profile.audits.value.len() as i64, home.ask("COUNT(*)", &profile.audits.source));
    assert_eq!(home.ask("COUNT(*)", &profile.company.source), 1);
}

#[test]
fn nothing_after_the_day_is_counted() {
    let home = home();
    let id = home.busiest();
    let (early, late) = (home.profile(&id, "2024-03-31"), home.profile(&id, "2025-03-31"));
    let total = |profile: &Profile| profile.trade.as_ref().unwrap().total.value.value_krw;
    assert!(total(&early) < total(&late));
    let (trade, later) = (early.trade.clone().unwrap(), late.trade.clone().unwrap());
    assert_eq!(trade.quarters.value[..], later.quarters.value[..trade.quarters.value.len()]);
    assert!(trade.quarters.value.len() == 5 && later.quarters.value.len() == 9);
    let last = later.quarters.value.last().unwrap();
    let before = &later.quarters.value[later.quarters.value.len() - 5];
    let expected = last.value_krw as f64 / before.value_krw as f64 - 1.0;
    assert!((last.on_year.unwrap() - expected).abs() < 1e-12);
    let word = "not of that day but of the register up to 2025-12-30";
    assert!(early.markdown(Language::En).contains(word));
    let last = home.profile(&id, "2025-12-30");
    assert!(!last.markdown(Language::En).contains("not of that day"));
    assert!(early.finances.unwrap().months.value < late.finances.unwrap().months.value);
}

#[test]
fn what_is_missing_is_said_and_what_was_handed_in_is_told() {
    let home = home();
    // The first day: no full quarter, no year before.
    let profile = home.profile(&home.busiest(), "2023-01-20");
    let missing: Vec<&str> = profile.missing.iter().map(|missing| missing.en.as_str()).collect();
    for word in ["last full quarter", "growth", "documents"] {
        assert!(missing.iter().any(|missing| missing.contains(word)), "no `{word}` in {missing:?}");
    }
    let mention = Mention { document: "note-1".into(), title: "Note".into(), text: "Seen at the fair.".into() };
    let scope = Scope { as_of: None, mentions: vec![mention] };
    let full = super::profile(&home.register, &home.network, &home.busiest(), scope).unwrap();
    assert_eq!(full.as_of, home.register.span().unwrap().unwrap().to);
    assert!(full.missing.iter().all(|missing| !missing.en.contains("documents")));
    assert!(full.markdown(Language::En).contains("Note (note-1): Seen at the fair."));
    let scope = Scope { as_of: Some("2020-01-01".parse().unwrap()), ..Scope::default() };
    let refused = super::profile(&home.register, &home.network, "C000001", scope);
    assert!(matches!(refused, Err(Error::TooEarly { .. })));
    let refused = super::profile(&home.register, &home.network, "C999999", Scope::default());
    assert!(matches!(refused, Err(Error::Unknown { .. })));
}

#[test]
fn a_page_tells_the_same_in_both_languages_and_marks_every_fact() {
    let home = home();
    let phoenix = home.network.phoenixes().remove(0);
    let profile = home.profile(&phoenix.successor.id, "2025-12-30");
    assert!(profile.patterns.value.iter().any(|pattern| pattern.involves(&phoenix.predecessor.id)));
    let (ko, en) = (profile.markdown(Language::Ko), profile.markdown(Language::En));
    assert!(ko.contains("가상 자료") && en.contains("Invented data"));
    assert!(ko.contains(&phoenix.ko) && en.contains(&phoenix.en));
    let marks = |text: &str| text.lines().filter(|line| line.starts_with("- ") && line.ends_with(']')).count();
    assert_eq!(marks(&ko), marks(&en));
    assert_eq!(ko.lines().count(), en.lines().count());
    let num_sources = en.lines().rev().take_while(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    assert!(
        num_sources > 8 && en.contains(&format!("[{num_sources}]")) && !en.contains(&format!("[{}]", num_sources + 1))
    );
    let json = serde_json::to_value(&profile).unwrap();
    assert_eq!(json["demo"], true);
    assert!(json["trade"]["total"]["source"]["rows"]["condition"].as_str().unwrap().contains("importer"));
}

#[test]
fn shares_of_all_owners_add_up_to_no_more_than_the_whole_even_in_rings() {
    let home = home();
    let ring = home.network.rings().remove(0);
    for company in &ring.companies {
        let profile = home.profile(&company.id, "2025-12-30");
        let sum: f64 = profile.owners.value.iter().map(|stake| stake.share).sum();
        // The world leaves up to a twentieth of a company with owners that it does not name.
        assert!((0.9..1.002).contains(&sum), "{sum}");
        assert!(profile.owners.value.iter().any(|stake| stake.is_indirect));
    }
}
