//! What the demo world is made of: goods with their prices, countries, and parts of names.

/// A kind of goods. Codes are of HS 2022, six digits; prices and rates are invented.
pub struct Goods {
    pub hs: &'static str,
    pub ko: &'static str,
    pub en: &'static str,
    /// Usual price of a kilogram, in US dollars.
    pub price: f64,
    /// Usual mass of a declaration, in kg.
    pub mass: f64,
    /// General duty rate, in percent.
    pub duty: f64,
    /// Where it comes from, the commonest first.
    pub origins: &'static [&'static str],
    /// The code of similar goods with a lower rate, under which it is hidden at times.
    pub hidden_as: Option<&'static str>,
}

const fn goods(
    hs: &'static str,
    ko: &'static str,
    en: &'static str,
    (price, mass, duty): (f64, f64, f64),
    origins: &'static [&'static str],
    hidden_as: Option<&'static str>,
) -> Goods {
    Goods { hs, ko, en, price, mass, duty, origins, hidden_as }
}

pub const GOODS: &[Goods] = &[
    goods("020329", "냉동 돼지고기", "frozen pork", (4.0, 20_000.0, 25.0), &["US", "ES", "DE"], Some("020649")),
    goods("020649", "냉동 돼지 부산물", "frozen pork offal", (2.0, 18_000.0, 18.0), &["US", "DE", "ES"], None),
    goods("030617", "냉동 새우", "frozen shrimps", (9.0, 8_000.0, 20.0), &["VN", "TH", "CN"], None),
    goods("070320", "마늘", "garlic", (1.6, 24_000.0, 50.0), &["CN", "ES"], Some("071290")),
    goods("071290", "건조 채소", "dried vegetables", (3.5, 9_000.0, 27.0), &["CN", "VN"], None),
    goods("090111", "볶지 않은 커피", "coffee, not roasted", (4.5, 19_000.0, 2.0), &["BR", "VN", "CO"], None),
    goods("220421", "포도주", "wine in bottles", (7.0, 6_000.0, 15.0), &["FR", "CL", "IT"], None),
    goods("240220", "궐련", "cigarettes", (22.0, 4_000.0, 40.0), &["CN", "DE", "US"], None),
    goods("330499", "화장품", "beauty preparations", (30.0, 900.0, 6.5), &["FR", "US", "JP"], None),
    goods("390120", "폴리에틸렌", "polyethylene", (1.3, 25_000.0, 6.5), &["TH", "US", "CN"], None),
    goods("401110", "승용차 타이어", "tyres for cars", (4.2, 12_000.0, 8.0), &["CN", "TH", "JP"], None),
    goods("420221", "가죽 핸드백", "leather handbags", (120.0, 250.0, 8.0), &["IT", "FR", "CN"], Some("420222")),
    goods("420222", "합성 핸드백", "handbags of plastics", (25.0, 600.0, 8.0), &["CN", "VN", "IT"], None),
    goods("441231", "합판", "plywood", (1.1, 26_000.0, 10.0), &["MY", "VN", "CN"], Some("441299")),
    goods("441299", "적층 목재", "laminated wood", (1.4, 20_000.0, 6.5), &["CN", "MY"], None),
    goods("610910", "면 티셔츠", "cotton T-shirts", (16.0, 2_500.0, 13.0), &["VN", "CN", "TH"], None),
    goods("620342", "면 바지", "cotton trousers", (20.0, 2_200.0, 13.0), &["VN", "CN", "IT"], None),
    goods("640399", "가죽 구두", "leather footwear", (38.0, 1_200.0, 13.0), &["VN", "IT", "CN"], Some("640299")),
    goods("640299", "합성 신발", "footwear of plastics", (14.0, 2_400.0, 8.0), &["CN", "VN"], None),
    goods("711319", "금 장신구", "gold jewellery", (52_000.0, 2.0, 8.0), &["TH", "IT", "HK"], None),
    goods("731815", "볼트", "steel bolts", (2.6, 15_000.0, 8.0), &["CN", "JP", "DE"], None),
    goods("847130", "휴대용 컴퓨터", "portable computers", (260.0, 800.0, 0.0), &["CN", "VN", "US"], None),
    goods("850760", "리튬 전지", "lithium-ion batteries", (42.0, 4_000.0, 8.0), &["CN", "JP", "DE"], None),
    goods("851762", "통신 장비", "telecommunication apparatus", (150.0, 600.0, 0.0), &["CN", "US", "DE"], None),
    goods("852910", "안테나", "aerials", (60.0, 500.0, 8.0), &["CN", "VN", "JP"], Some("851762")),
    goods("870899", "자동차 부품", "parts of motor vehicles", (9.0, 7_000.0, 8.0), &["DE", "JP", "CN"], None),
    goods("940161", "나무 의자", "upholstered wooden seats", (8.0, 5_000.0, 8.0), &["CN", "VN", "IT"], None),
    goods("950450", "게임기", "video game consoles", (95.0, 700.0, 0.0), &["CN", "JP"], None),
];

/// How prices of an origin stand to the usual, as a factor.
pub fn price_level(origin: &str) -> f64 {
    match origin {
        "CN" => 0.8,
        "VN" | "TH" | "MY" => 0.85,
        "HK" | "US" | "ES" | "CL" | "BR" | "CO" => 1.0,
        "JP" | "DE" => 1.15,
        "FR" | "IT" => 1.3,
        _ => 1.0,
    }
}

/// Origins with a preferential rate (a quarter of the general one here), to which goods of others are routed.
pub const PREFERRED: &[&str] = &["VN", "TH", "CL", "CO", "US", "DE", "FR", "IT", "ES"];
/// Ports through which goods are routed.
pub const HUBS: &[&str] = &["HK", "SG"];
pub const OFFICES: &[&str] = &["010", "013", "016", "020", "030", "040"];

pub const FAMILY_NAMES: &[(&str, &str)] = &[
    ("김", "Kim"),
    ("이", "Lee"),
    ("박", "Park"),
    ("최", "Choi"),
    ("정", "Jung"),
    ("강", "Kang"),
    ("조", "Cho"),
    ("윤", "Yoon"),
    ("장", "Jang"),
    ("임", "Lim"),
    ("한", "Han"),
    ("오", "Oh"),
    ("서", "Seo"),
    ("신", "Shin"),
];
pub const GIVEN_NAMES: &[(&str, &str)] = &[
    ("민준", "Minjun"),
    ("서연", "Seoyeon"),
    ("도윤", "Doyun"),
    ("하은", "Haeun"),
    ("시우", "Siwoo"),
    ("지우", "Jiwoo"),
    ("준서", "Junseo"),
    ("수아", "Sua"),
    ("예준", "Yejun"),
    ("다은", "Daeun"),
    ("현우", "Hyunwoo"),
    ("채원", "Chaewon"),
    ("지훈", "Jihoon"),
    ("유진", "Yujin"),
    ("건우", "Gunwoo"),
    ("소율", "Soyul"),
    ("태현", "Taehyun"),
    ("나은", "Naeun"),
];
pub const FIRM_FIRST: &[(&str, &str)] = &[
    ("한빛", "Hanbit"),
    ("대양", "Daeyang"),
    ("새롬", "Saerom"),
    ("동방", "Dongbang"),
    ("누리", "Nuri"),
    ("가온", "Gaon"),
    ("해오름", "Haeoreum"),
    ("미래", "Mirae"),
    ("청솔", "Cheongsol"),
    ("은하", "Eunha"),
    ("다온", "Daon"),
    ("한결", "Hangyeol"),
    ("푸른", "Pureun"),
    ("세종", "Sejong"),
    ("백두", "Baekdu"),
];
pub const FIRM_LAST: &[(&str, &str)] = &[
    ("무역", "Trading"),
    ("상사", "Corporation"),
    ("통상", "Commerce"),
    ("물산", "Products"),
    ("인터내셔널", "International"),
    ("트레이드", "Trade"),
    ("글로벌", "Global"),
    ("유통", "Distribution"),
];
pub const STREETS: &[(&str, &str)] = &[
    ("서울 중구 세종대로", "Sejong-daero, Jung-gu, Seoul"),
    ("서울 강남구 테헤란로", "Teheran-ro, Gangnam-gu, Seoul"),
    ("부산 중구 충장대로", "Chungjang-daero, Jung-gu, Busan"),
    ("부산 강서구 녹산산단로", "Noksansandan-ro, Gangseo-gu, Busan"),
    ("인천 중구 서해대로", "Seohae-daero, Jung-gu, Incheon"),
    ("경기 평택시 포승공단로", "Poseunggongdan-ro, Pyeongtaek"),
    ("대전 서구 청사로", "Cheongsa-ro, Seo-gu, Daejeon"),
    ("광주 서구 상무대로", "Sangmu-daero, Seo-gu, Gwangju"),
];
pub const SELLER_WORDS: &[&str] = &[
    "Orient", "Pacific", "Golden", "Union", "Delta", "Harbour", "Summit", "Crown", "Lotus", "Northern", "Prime", "Silk",
];
