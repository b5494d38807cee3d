use super::*;

/// A desk without a register: no name is known.
fn read(request: &str) -> Intent {
    let folder = tempfile::tempdir().unwrap();
    super::read(request, &[], &Desk::new(folder.path(), None))
}

#[test]
fn common_requests_are_understood_in_both_languages() {
    use Wish::*;
    for (request, wishes) in [
        ("Should we audit C000007?", &[Audit][..]),
        ("C000007을 심사해야 할까요?", &[Audit]),
        ("Show me the profile of C000007", &[Profile]),
        ("C000007 기업 현황 알려줘", &[Profile]),
        ("Who is behind C000007?", &[Network]),
        ("C000007의 배후가 누구인가요?", &[Network]),
        ("How are C000007 and C000012 connected to each other?", &[Path]),
        ("C000007과 C000012는 어떤 관계인가요?", &[Path]),
        ("Is C000007 likely to fall behind on its duties? Score the arrears.", &[Delinquency]),
        ("C000007의 체납 위험은?", &[Delinquency]),
        ("What is the risk of declaration D00000012?", &[Risk]),
        ("신고 D00000012의 위험도를 알려주세요", &[Risk]),
        ("Which importers had the highest risk in 2025?", &[Risk]),
        ("Classify wireless earbuds", &[Classify]),
        ("무선 이어폰의 HS 코드는?", &[Classify]),
        ("What was the exchange rate of USD on 2025-03-14?", &[Rate]),
        ("2025년 3월 14일 달러 환율은?", &[Rate]),
        ("Which phoenix companies are there?", &[Patterns]),
        ("Is a buying commission part of the customs value?", &[Explain]),
        ("구매수수료는 과세가격에 포함되나요?", &[Explain]),
        ("How much duty is due on FOB USD 50,000, freight USD 2,000, duty 8%?", &[Value]),
        ("What is the risk of this declaration?", &[Risk]),
        ("이 업체를 심사해야 할까요?", &[Audit]),
        ("Classify this item", &[Classify]),
        ("Pause the dataset questions, please", &[Dataset]),
        ("Hello there!", &[]),
        ("Write a poem about the sea.", &[]),
    ] {
        assert_eq!(read(request).wishes, wishes, "{request}");
    }
}

#[test]
fn goods_and_codes_are_taken_as_they_are_written() {
    let entities = |request: &str| read(request).entities;
    assert_eq!(entities("Classify wireless earbuds").description.as_deref(), Some("wireless earbuds"));
    assert_eq!(entities("무선 이어폰의 HS 코드는?").description.as_deref(), Some("무선 이어폰"));
    let request = "What is the HS code of “men's cotton shirts, woven”?";
    assert_eq!(entities(request).description.as_deref(), Some("men's cotton shirts, woven"));
    let request = "Is the declared value of the compressors of C000007 plausible?";
    assert_eq!(entities(request).goods.as_deref(), Some("compressors"));
    assert_eq!(entities("HS 8414.30 세율은?").hs, ["841430"]);
    assert_eq!(entities("duty rate of 8414301000?").hs, ["8414301000"]);
}

#[test]
fn a_company_nobody_knows_is_still_named() {
    let companies = read("Show the profile of Blue Heron Trading").entities.companies;
    assert_eq!(companies, [Company { name: Some("Blue Heron Trading".into()), id: None }]);
    let companies = read("푸른두루미무역의 기업 현황").entities.companies;
    assert_eq!(companies[0].name.as_deref(), Some("푸른두루미무역"));
}

#[test]
fn a_pronoun_means_the_company_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let earlier = ["Show the profile of C000007".to_owned()];
    let intent = super::read("And who is behind it?", &earlier, &Desk::new(folder.path(), None));
    assert_eq!(intent.entities.known_company(), Some("C000007"));
    assert_eq!(intent.wishes, [Wish::Network]);
}

#[test]
fn what_is_taken_for_granted_is_heard() {
    assert_eq!(read("Why is D00000012 green?").premises[0].stance, super::super::tool::Stance::Low);
    assert_eq!(
        read("Since D00000012 is high-risk, what is its score?").premises[0].stance,
        super::super::tool::Stance::High
    );
    assert!(read("What is the risk of D00000012?").premises.is_empty());
}
