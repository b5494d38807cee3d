//! What is called, and what the answer says of it.

use haetae::access::{Access, Grant};
use haetae::agents::Planner;
use haetae::chat::{Target, TurnRequest};

use super::{MADE, agents_over, ask, called, rows};

#[tokio::test]
async fn a_company_is_known_by_its_name_in_either_language() {
    let agents = agents_over(&MADE.home, "none");
    let companies = rows("companies.csv");
    let (id, ko, en) = (&companies[3][0], &companies[3][1], &companies[3][2]);
    for request in [
        format!("Show the profile of {en}"),
        format!("{ko}의 기업 현황을 보여 주세요"),
        format!("What do we know about {}?", en.to_uppercase()),
    ] {
        let record = ask(&agents, &request).await;
        assert_eq!(called(&record), ["find_company", "company_profile"], "{request}");
        assert_eq!(record.calls[1].arguments["company"], id, "{request}");
        assert!(record.calls.iter().all(|call| call.ended.outcome().is_some()), "{request}: {}", record.answer);
    }
}

#[tokio::test]
async fn a_name_nobody_has_is_said_with_the_nearest() {
    let agents = agents_over(&MADE.home, "none");
    let record = ask(&agents, "Show the profile of Blue Heron Trading").await;
    assert_eq!(called(&record), ["find_company"]);
    assert!(record.answer.contains("nothing is known under `Blue Heron Trading`"), "{}", record.answer);
}

#[tokio::test]
async fn an_audit_question_becomes_a_dossier_whose_figures_stand_in_the_results() {
    let words = "The weather is fine. We should audit it at once. Of 99999 declarations all are red.";
    let agents = agents_over(&MADE.home, words);
    let busiest = busiest_importer();
    let request = format!("Should we audit {busiest}? Check its last quarter and who stands behind it.");
    let record = ask(&agents, &request).await;
    assert_eq!(called(&record), ["company_profile", "risk_of_imports", "network_around", "delinquency_score"]);
    let expected = rows("declarations.csv")
        .iter()
        .filter(|row| row[4] == busiest && ("2025-07-01".."2025-10-01").contains(&&row[1]))
        .count();
    let red = record.calls[1].ended.outcome().unwrap();
    assert_eq!(red.result["declarations"].as_u64(), Some(expected as u64));
    // The model's words were struck out, each for its reason, and are on record.
    assert!(!record.answer.contains("99999") && !record.answer.contains("weather"), "{}", record.answer);
    assert!(record.spoken.iter().any(|spoken| !spoken.struck.is_empty()));
    assert!(record.answer.contains("invented demo data"), "{}", record.answer);
    assert!(record.answer.contains("The officer decides."), "{}", record.answer);
}

fn busiest_importer() -> String {
    let mut counts = std::collections::BTreeMap::new();
    for row in rows("declarations.csv") {
        *counts.entry(row[4].to_owned()).or_insert(0) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).unwrap().0
}

#[tokio::test]
async fn a_missing_fact_is_asked_for_and_nothing_is_called() {
    let agents = agents_over(&MADE.home, "none");
    let record = ask(&agents, "Compare the two stamps stamp-1.png, please: are they the same?").await;
    assert!(called(&record).is_empty());
    assert!(record.answer.contains("two images"), "{}", record.answer);
}

#[tokio::test]
async fn small_talk_calls_nothing() {
    let agents = agents_over(&MADE.home, "none");
    for request in ["Good morning!", "바다에 대한 시를 써 줘"] {
        let record = ask(&agents, request).await;
        assert!(called(&record).is_empty(), "{request}");
        assert_eq!(record.planner, Planner::Nobody, "{request}");
    }
}

#[tokio::test]
async fn a_wrong_premise_is_set_right() {
    let agents = agents_over(&MADE.home, "none");
    let id = &rows("declarations.csv")[10][0];
    for (request, says) in [
        (format!("Why is {id} green?"), "green"),
        (format!("Why is {id} so risky? It is red, and since it is red I ask."), "red"),
    ] {
        let record = ask(&agents, &request).await;
        let level = record.calls[0].ended.outcome().unwrap().result["scored"]["level"].as_str().unwrap().to_owned();
        let contradicts = record.answer.contains("that is not so");
        assert_eq!(contradicts, level != says, "{level}: {}", record.answer);
    }
}

#[tokio::test]
async fn a_run_can_be_run_again_word_for_word() {
    let agents = agents_over(&MADE.home, "none");
    let request = format!("What is the risk of declaration {}?", &rows("declarations.csv")[7][0]);
    let (then, now) = (ask(&agents, &request).await, ask(&agents, &request).await);
    assert_eq!(then.differences(&now), []);
    let kept = agents.store().run(&then.id, None).unwrap().unwrap();
    assert_eq!(kept, then);
    let mut other = now.clone();
    other.calls[0].hash = "another".into();
    assert_eq!(then.differences(&other).len(), 1);
}

#[tokio::test]
async fn an_invoice_told_in_words_is_worked_out_to_the_won() {
    let agents = agents_over(&MADE.home, "none");
    let request = "What duty is due on 100 compressors: FOB USD 50,000, freight USD 2,000, insurance USD 300, exchange rate 1,350 won, duty 8%?";
    let record = ask(&agents, request).await;
    assert_eq!(called(&record), ["customs_value"]);
    let result = &record.calls[0].ended.outcome().unwrap_or_else(|| panic!("{}", record.answer)).result;
    // 52,300 dollars at 1,350 won; 8% duty; VAT on both.
    assert_eq!(result["if_nothing_else"]["customs_value"], 70_605_000, "{result}");
    assert_eq!(result["if_nothing_else"]["duty"], 5_648_400);
    assert_eq!(result["if_nothing_else"]["vat"], 7_625_340);
    assert!(!record.missing.is_empty(), "what was not said is listed");
}

#[tokio::test]
async fn a_role_calls_its_own_tools_and_is_told_of_the_others() {
    let agents = agents_over(&MADE.home, "none");
    let (declaration, company) = (&rows("declarations.csv")[2][0], &rows("companies.csv")[3][0]);
    let asked = |request: String, grant: Grant| {
        let turn = TurnRequest { target: Target::Agent, grant, ..TurnRequest::question(&request, Vec::new()) };
        agents.answer(turn, None)
    };
    let officer = Grant::new(Access::Officer, None, None);
    let record = asked(format!("What is the risk of {declaration}?"), officer.clone()).await.unwrap();
    assert!(record.calls[0].ended.outcome().is_some(), "{}", record.answer);
    let record = asked(format!("Show the profile of {company}"), officer).await.unwrap();
    assert!(record.calls.iter().all(|call| call.ended.outcome().is_none()), "{}", record.answer);
    assert!(record.answer.contains("it takes access `audit`"), "{}", record.answer);
    // What writes is not even put before a person where the role may not ask for it.
    let reader = Grant::new(Access::Audit, Some(vec!["risk_score".into()]), None);
    let record =
        asked(format!("Score the risk of {declaration} and export the report as a file."), reader).await.unwrap();
    assert!(record.approvals.is_empty(), "{}", record.answer);
    assert!(record.answer.contains("its role does not list it"), "{}", record.answer);
}
