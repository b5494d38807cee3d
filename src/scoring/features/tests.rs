use super::*;
use crate::scoring::table::{Purpose, Reader};

fn table(rows: &str) -> Table {
    let text = format!("ID,Day,Bad,HS,From,Price,Mass\n{rows}");
    let purpose = Purpose::Learn { today: jiff::civil::Date::constant(2026, 2, 1) };
    let table = Reader::open(text.as_bytes(), "t.csv", &mapping(), purpose).unwrap().read(usize::MAX).unwrap();
    assert_eq!(table.refused, []);
    table
}

fn mapping() -> Mapping {
    let text = r#"
        name = "x"
        about = { en = "x", ko = "x" }
        column = [
          { name = "id", headers = ["ID"], role = "key" },
          { name = "day", headers = ["Day"], role = "date" },
          { name = "bad", headers = ["Bad"], role = "label", positive = ["1"], negative = ["0"] },
          { name = "hs", headers = ["HS"], role = "hs", en = "HS code", ko = "HS 부호" },
          { name = "from", headers = ["From"], role = "category", en = "origin", ko = "원산지" },
          { name = "price", headers = ["Price"], role = "number", en = "price", ko = "가격" },
          { name = "mass", headers = ["Mass"], role = "number", en = "mass", ko = "중량" },
        ]
        unit_price = { value = "price", quantity = "mass", goods = "hs", origin = "from" }
        twins = { columns = ["hs", "price"] }
    "#;
    Mapping::parse(text, "x").unwrap()
}

/// `rows` rows of four headings, three origins and prices about 10 a unit; the label is `label`'s.
fn many(rows: usize, label: impl Fn(usize) -> bool) -> Table {
    let row = |at: usize| {
        let (heading, origin, mass) = (at % 4 + 1, ["CN", "KR", "US"][at % 3], at % 7 + 1);
        let price = mass as f64 * (10.0 + (at % 5) as f64 / 10.0);
        format!("K{at},2026-01-01,{},0{heading}0110,{origin},{price},{mass}\n", u8::from(label(at)))
    };
    table(&(0..rows).map(row).collect::<String>())
}

fn at(encoder: &Encoder, name: &str) -> usize {
    encoder.features.iter().position(|feature| feature.name == name).unwrap_or_else(|| panic!("no feature `{name}`"))
}

#[test]
fn no_row_sees_its_own_label() {
    let before = Encoder::fit(&mapping(), &many(60, |at| at % 3 == 0), 1).1;
    for turned in 0..60 {
        let after = Encoder::fit(&mapping(), &many(60, |at| (at % 3 == 0) != (at == turned)), 1).1;
        let bits = |matrix: &Matrix| matrix.row(turned).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&before), bits(&after), "row {turned}");
        assert_ne!(before, after, "others see it");
    }
}

#[test]
fn what_a_later_row_gets_does_not_hang_on_the_rows_beside_it() {
    let (encoder, _) = Encoder::fit(&mapping(), &many(60, |at| at % 3 == 0), 1);
    let later = many(20, |_| false);
    let together = encoder.apply(&later);
    for row in 0..later.num_rows() {
        let alone = encoder.apply(&later.pick(&[row]));
        let bits = |row: Vec<f32>| row.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(together.row(row)), bits(alone.row(0)));
    }
}

#[test]
fn a_price_far_from_its_peers_stands_far_from_them() {
    let (encoder, learnt) = Encoder::fit(&mapping(), &many(200, |at| at % 2 == 0), 1);
    let closest = at(&encoder, "unit_price_among_closest");
    assert!(learnt.column(closest).iter().all(|position| position.abs() < 1.0), "all cost about the same");
    let odd = table("A,2026-01-02,0,010110,CN,10,1\nB,2026-01-02,0,010110,CN,1,1\nC,2026-01-02,0,010110,CN,5,0\n");
    let positions = encoder.apply(&odd);
    let [usual, cheap, none] = [0, 1, 2].map(|row| positions.row(row)[closest]);
    // A tenth of the usual price: ln(10.2 / 1) = 2.3 below, over the least spread of .2.
    assert!(usual.abs() < 0.5 && (cheap + 11.6).abs() < 0.5 && none.is_nan(), "{usual} {cheap} {none}");
    match encoder.fact(&encoder.features[closest], &odd, 1) {
        Fact::Position { price, usual } => assert!(price == 1.0 && (usual.mean.exp() - 10.2).abs() < 0.1, "{usual:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn goods_never_seen_are_held_against_their_heading() {
    let (encoder, _) = Encoder::fit(&mapping(), &many(200, |at| at % 2 == 0), 1);
    let odd = table("A,2026-01-02,0,010199,CN,10,1\nB,2026-01-02,0,990101,CN,1,1\n");
    let matrix = encoder.apply(&odd);
    let [rate, count] = ["hs_rate", "hs_count"].map(|name| at(&encoder, name));
    assert!(matrix.row(0)[rate].is_nan() && matrix.row(0)[count] == 0.0);
    assert!(!matrix.row(0)[at(&encoder, "hs4_rate")].is_nan(), "the heading was seen");
    assert!(matrix.row(1)[at(&encoder, "hs2_rate")].is_nan());
    assert!(matrix.row(1)[at(&encoder, "unit_price_among_closest")] < -5.0, "cheap among all goods");
}

#[test]
fn the_history_of_a_group_is_told_as_it_was() {
    let (encoder, _) = Encoder::fit(&mapping(), &many(120, |at| at % 12 == 0), 1);
    let row = table("A,2026-01-02,0,0101.10,CN,10,1\n");
    let fact = |name: &str| encoder.fact(&encoder.features[at(&encoder, name)], &row, 0);
    let texts = vec!["01".to_owned()];
    assert_eq!(fact("hs2_rate"), Fact::Rate { texts: texts.clone(), positives: 10, rows: 30, overall: 10.0 / 120.0 });
    assert_eq!(fact("hs2_count"), Fact::Count { texts, rows: 30 });
    assert_eq!(fact("hs6_from_count"), Fact::Count { texts: vec!["010110".into(), "CN".into()], rows: 10 });
    assert_eq!(fact("price"), Fact::Number(10.0));
    assert!(encoder.is_sound(&mapping()));
    let lookup = encoder.lookup(&row).unwrap();
    assert_eq!(lookup.len(), 1);
}
