//! Logged conversations become rows that wait for review, without the personal data that was typed into them.

use haetae::datasets::store::Filter;
use haetae::datasets::{State, Store, import_history};
use haetae::engine::Message;
use haetae::history::History;
use serde_json::json;
use tempfile::tempdir;

#[test]
fn a_logged_turn_becomes_a_candidate_with_its_quotes_and_without_personal_data() {
    let folder = tempdir().unwrap();
    let history = History::open(&folder.path().join("haetae.sqlite")).unwrap();
    let conversation = history.create("kim", "haetae/valuation").unwrap();
    let asked = "구매수수료는 더하나요? 제 번호는 010-1234-5678입니다.";
    let place =
        history.begin_turn("kim", &conversation.id, "haetae/valuation", &[Message::user(asked)]).unwrap().unwrap();
    let basis = json!({
        "citations": [{"n": 1, "document": "valuation-021-ko"}],
        "quotes": [{"n": 1, "text": "구매수수료는 과세가격에 가산하지 않는다.", "span": {"start": 19, "end": 76}}],
    });
    history.end_turn(&place, "더하지 않습니다. 문의는 a@b.kr로 하십시오.", Some(&basis)).unwrap();
    let store = Store::open(&Store::file(folder.path())).unwrap();
    let report = import_history(&store, &history, "logged").unwrap();
    assert_eq!((report.num_read, report.num_new, report.num_masked), (1, 1, 2));
    let dataset = store.dataset("logged").unwrap();
    let page = store.list(&dataset, &Filter::default(), 0, 10).unwrap();
    let [row] = &page.rows[..] else { panic!("one row") };
    assert_eq!(row.state, State::Candidate);
    assert_eq!(row.row.question, "구매수수료는 더하나요? 제 번호는 ⟦전화-1⟧입니다.");
    assert!(row.row.answer.contains("⟦메일-1⟧"), "{}", row.row.answer);
    assert_eq!(row.row.evidence[0].document, "valuation-021-ko");
    assert_eq!(import_history(&store, &history, "logged").unwrap().num_new, 0, "again is once");
}
