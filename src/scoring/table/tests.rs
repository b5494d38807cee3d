use std::sync::Arc;

use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use encoding_rs::EUC_KR;

use super::*;

const HEADER: &str = "ID,Day,Bad,HS,From,Price";

fn mapping() -> Mapping {
    let text = r#"
        name = "x"
        about = { en = "x", ko = "x" }
        column = [
          { name = "id", headers = ["ID"], role = "key" },
          { name = "day", headers = ["Day", "날짜"], role = "date" },
          { name = "bad", headers = ["Bad"], role = "label", positive = ["1"], negative = ["0"] },
          { name = "hs", headers = ["HS"], role = "hs", en = "HS code", ko = "HS 부호" },
          { name = "from", headers = ["From"], role = "category", en = "origin", ko = "원산지" },
          { name = "price", headers = ["Price"], role = "number", at_least = 0, en = "price", ko = "가격" },
          { name = "note", headers = ["Note"], role = "unused", reason = "free text" },
        ]
    "#;
    Mapping::parse(text, "x").unwrap()
}

fn learn(bytes: &[u8]) -> Result<Table, Error> {
    let purpose = Purpose::Learn { today: Date::constant(2026, 2, 1) };
    Reader::open(bytes, "t.csv", &mapping(), purpose)?.read(usize::MAX)
}

/// What is wrong with a row that stands alone under the header.
fn refused(row: &str) -> String {
    let table = learn(format!("{HEADER}\n{row}\n").as_bytes()).unwrap();
    assert_eq!((table.num_rows(), table.refused.len()), (0, 1), "{row}");
    assert_eq!(table.refused[0].line, 2);
    table.refused[0].reason.to_string()
}

#[test]
fn rows_become_columns_with_their_lines() {
    let text = "\u{feff}Note,Price,From,HS,Bad,날짜,ID\n\
        \"a, \nb\",12.5,CN,0203.29-1000,1,2026-01-31,A\nx,,KR,203291000,0,20260130,B\n";
    let table = learn(text.as_bytes()).unwrap();
    assert_eq!(table.lines, [2, 4], "a quoted field runs over two lines");
    assert_eq!(table.keys, ["A", "B"]);
    assert_eq!(table.labels, [true, false]);
    assert_eq!(table.dates, [Date::constant(2026, 1, 31), Date::constant(2026, 1, 30)]);
    assert_eq!(table.numbers["price"][0], 12.5);
    assert!(table.numbers["price"][1].is_nan(), "an empty number is missing");
    let hs = &table.categories["hs"];
    assert_eq!((hs.text(0), hs.text(1)), ("0203291000", "0203291000"), "a lost zero comes back");
    assert_eq!(hs.texts.len(), 1, "each text is kept once");
    assert!(!table.categories.contains_key("note") && table.refused.is_empty());
}

#[test]
fn a_row_that_cannot_be_used_says_why() {
    assert_eq!(refused("A,2026-01-01,0,0203,CN"), "5 fields under 6 headers");
    assert_eq!(refused("A,2026-01-01,0,0203,CN,dear"), "`Price` holds `dear`, which is no number");
    assert_eq!(refused("A,2026-01-01,0,0203,CN,inf"), "`Price` holds `inf`, which is no number");
    assert_eq!(refused("A,2026-01-01,0,0203,CN,-1"), "`Price` is -1, and at least 0 is possible");
    assert_eq!(refused("A,2026-01-01,0,02A3,CN,1"), "`HS` holds `02A3`, which is no HS code of 2 to 10 digits");
    assert_eq!(
        refused("A,2026-13-01,0,0203,CN,1"),
        "`Day` holds `2026-13-01`, which is no date such as 2026-01-31 or 20260131"
    );
    assert_eq!(refused("A,2026-02-02,0,0203,CN,1"), "`Day` is 2026-02-02, which lies after today, 2026-02-01");
    assert_eq!(refused("A,2026-01-01,yes,0203,CN,1"), "`Bad` holds `yes`, and the label is one of 1, 0");
    assert_eq!(refused(",2026-01-01,0,0203,CN,1"), "`ID` is empty");
}

#[test]
fn a_key_comes_once_and_a_refused_row_claims_none() {
    let text = format!("{HEADER}\nA,2026-01-01,0,0203,CN,x\nA,2026-01-01,0,0203,CN,1\nA,2026-01-01,1,0203,CN,2\n");
    let table = learn(text.as_bytes()).unwrap();
    assert_eq!(table.lines, [3]);
    assert_eq!(table.refused[1].reason.to_string(), "`ID` is `A`, the key of line 3 already");
}

#[test]
fn what_spoils_the_whole_file_is_an_error() {
    let error = |bytes: &[u8]| learn(bytes).unwrap_err().to_string();
    assert_eq!(error(b""), "`t.csv` holds no rows, and at least 1 is needed");
    assert!(error(b"PAR1\x15\x04").starts_with("`t.csv` is no Parquet file that can be read"));
    assert!(error(&[0xff, 0xfe, b'I', 0, b'D', 0]).starts_with("`t.csv` is no CSV file"), "UTF-16");
    let missing = error(b"ID,Bad,HS,From\n");
    assert!(missing.contains("mapping `x` needs: `Day` or `날짜`, `Price`"), "{missing}");
    assert!(error(b"ID,Day,Bad,HS,From,Price,Price\n").contains("column `price` twice"));
    let mut mixed = format!("{HEADER}\nA,2026-01-01,0,0203,중국,1\n").into_bytes();
    mixed.extend_from_slice(&EUC_KR.encode("B,2026-01-01,0,0203,한국,1\n").0);
    assert!(error(&mixed).starts_with("`t.csv` mixes encodings: line 3 is CP949, the lines before are UTF-8"));
    let torn = [format!("{HEADER}\nA,2026-01-01,0,0203,").as_bytes(), &[0xff, 0xff], b",1\n"].concat();
    assert_eq!(error(&torn), "`t.csv` line 2 is neither UTF-8 nor CP949");
}

#[test]
fn a_table_in_cp949_reads_as_one_in_utf_8() {
    let text = "ID,날짜,Bad,HS,From,Price\nA,2026-01-01,0,0203,중국,1\n";
    let table = learn(&EUC_KR.encode(text).0).unwrap();
    assert_eq!(table.categories["from"].text(0), "중국");
}

#[test]
fn scoring_needs_the_inputs_alone_and_comes_in_pieces() {
    let text = "HS,From,Price\n0203,CN,1\n0203,KR,2\n0203,CN,x\n0203,JP,4\n";
    let mapping = mapping();
    let mut reader = Reader::open(text.as_bytes(), "-", &mapping, Purpose::Score).unwrap();
    let sizes: Vec<(usize, usize)> = std::iter::repeat_with(|| reader.read(2).unwrap())
        .map(|table| (table.num_rows(), table.refused.len()))
        .take(3)
        .collect();
    assert_eq!(sizes, [(2, 0), (1, 1), (0, 0)]);
    assert!(matches!(
        Reader::open(&b"HS,From\n"[..], "-", &mapping, Purpose::Score),
        Err(Error::MissingColumns { .. })
    ));
}

/// A Parquet file of two rows a column: its definition, and how its values are written.
fn parquet_file(columns: &[(&str, Values)]) -> Vec<u8> {
    let definitions: String = columns.iter().map(|(definition, _)| format!("{definition}; ")).collect();
    let schema = Arc::new(parse_message_type(&format!("message table {{ {definitions} }}")).unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    // Two groups of the same rows: a reader must go from one to the next.
    for _ in 0..2 {
        let mut group = writer.next_row_group().unwrap();
        for (_, values) in columns {
            let mut column = group.next_column().unwrap().unwrap();
            let levels = |present: usize| -> Vec<i16> { (0..2).map(|row| i16::from(row < present)).collect() };
            let written = match values {
                Values::Texts(values) => {
                    let values: Vec<ByteArray> = values.iter().map(|text| (*text).into()).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&levels(values.len())), None)
                }
                Values::Bools(values) => {
                    column.typed::<BoolType>().write_batch(values, Some(&levels(values.len())), None)
                }
                Values::Small(values) => {
                    column.typed::<Int32Type>().write_batch(values, Some(&levels(values.len())), None)
                }
                Values::Large(values) => {
                    column.typed::<Int64Type>().write_batch(values, Some(&levels(values.len())), None)
                }
                Values::Reals(values) => {
                    column.typed::<DoubleType>().write_batch(values, Some(&levels(values.len())), None)
                }
            };
            written.unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

/// At most two; what is less is missing.
enum Values {
    Texts(&'static [&'static str]),
    Bools(&'static [bool]),
    Small(&'static [i32]),
    Large(&'static [i64]),
    Reals(&'static [f64]),
}

const DAY: (&str, Values) = ("optional int32 Day (date)", Values::Small(&[20_483, 20_484]));
const REST: [(&str, Values); 4] = [
    ("optional int32 Bad", Values::Small(&[1, 0])),
    ("optional int64 HS", Values::Large(&[203, 203_291_000])),
    ("optional binary From (utf8)", Values::Texts(&["중국"])),
    ("optional double Price", Values::Reals(&[0.1])),
];

#[test]
fn a_parquet_file_reads_as_its_csv_does() {
    let [bad, hs, from, price] = REST;
    let file = parquet_file(&[("optional binary ID (utf8)", Values::Texts(&["A", "B"])), DAY, bad, hs, from, price]);
    let text = format!("{HEADER}\nA,2026-01-30,1,203,중국,0.1\nB,2026-01-31,0,203291000,,\n");
    let (parquet, csv) = (learn(&file).unwrap(), learn(text.as_bytes()).unwrap());
    assert_eq!(parquet.lines, [2, 3]);
    assert_eq!(parquet.refused[1].reason.to_string(), "`ID` is `B`, the key of line 3 already", "the second group");
    assert_eq!((parquet.keys, parquet.dates, parquet.labels), (csv.keys, csv.dates, csv.labels));
    assert_eq!(parquet.categories, csv.categories);
    assert_eq!(parquet.numbers["price"][0].to_bits(), csv.numbers["price"][0].to_bits());
    assert!(parquet.numbers["price"][1].is_nan());
    let mapping = mapping();
    let mut reader = Reader::open(&file[..], "-", &mapping, Purpose::Score).unwrap();
    let sizes: Vec<usize> = std::iter::repeat_with(|| reader.read(3).unwrap().num_rows()).take(3).collect();
    assert_eq!(sizes, [3, 1, 0]);
}

#[test]
fn other_types_of_parquet_that_mean_the_same_are_read_and_those_that_do_not_are_named() {
    let with = |day: (&'static str, Values), price: (&'static str, Values)| {
        let [bad, hs, from, _] = REST;
        learn(&parquet_file(&[("optional binary ID", Values::Texts(&["A", "B"])), day, bad, hs, from, price]))
    };
    let price = ("optional int64 Price (decimal(18, 2))", Values::Large(&[12_345, -5]));
    let stamp = Values::Large(&[20_483 * 86_400_000_000 + 1, 20_484 * 86_400_000_000]);
    let table = with(("optional int64 Day (timestamp(micros, true))", stamp), price).unwrap();
    assert_eq!((table.numbers["price"][0], table.dates[0]), (123.45, Date::constant(2026, 1, 30)));
    assert_eq!(table.refused[0].reason.to_string(), "`Price` is -0.05, and at least 0 is possible");
    let text = ("optional binary Price (utf8)", Values::Texts(&["1.5", "dear"]));
    let table = with(DAY, text).unwrap();
    assert_eq!(table.numbers["price"], [1.5]);
    assert_eq!(table.refused[0].reason.to_string(), "`Price` holds `dear`, which is no number");
    let error = |day, price| with(day, price).unwrap_err().to_string();
    let flag = ("optional boolean Price", Values::Bools(&[true, false]));
    assert_eq!(error(DAY, flag), "`t.csv` has a boolean in column `Price`, and a number is needed");
    let real = ("optional double Day", Values::Reals(&[1.0, 2.0]));
    assert_eq!(
        error(real, ("optional double Price", Values::Reals(&[1.0]))),
        "`t.csv` has a real number in column `Day`, and a day is needed"
    );
    let list = "optional group Price (list) { repeated group list { optional double element; } }";
    let schema = format!(
        "message t {{ optional binary ID; optional int32 Day (date); optional int32 Bad; optional int64 HS; optional binary From; {list} }}"
    );
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap().close().unwrap();
    let error = learn(&bytes).unwrap_err().to_string();
    assert_eq!(error, "`t.csv` has a list, a record or an unknown type in column `Price`, and a number is needed");
}

#[test]
fn a_torn_parquet_file_is_refused() {
    let [bad, hs, from, price] = REST;
    let file = parquet_file(&[("optional binary ID (utf8)", Values::Texts(&["A", "B"])), DAY, bad, hs, from, price]);
    let error = learn(&file[..file.len() - 9]).unwrap_err().to_string();
    assert!(error.starts_with("`t.csv` is no Parquet file that can be read"), "{error}");
}
