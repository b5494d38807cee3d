// A machine-readable legal reference to the words a person cites it by.
//
// In: `KR-CA-30(1)1`. Out: "관세법 제30조제1항제1호" or "Customs Act Art. 30(1)1". A reference it does not know comes
// back as it is: a code on the page is better than a wrong article.

const KOREAN_LAWS = {
  "KR-CA": { ko: "관세법", en: "Customs Act" },
  "KR-CD": { ko: "관세법 시행령", en: "Customs Act Decree" },
  "KR-CR": { ko: "관세법 시행규칙", en: "Customs Act Rule" },
  "KR-VN": { ko: "관세평가 운영에 관한 고시", en: "Notice on Customs Valuation" },
  "KR-VAT": { ko: "부가가치세법", en: "VAT Act" },
};

const INSTRUMENTS = {
  "WTO-DEC": { ko: "WTO 관세평가위원회 결정", en: "WTO Valuation Committee Decision" },
  "WCO-AO": { ko: "WCO 권고의견", en: "WCO Advisory Opinion" },
  "WCO-COM": { ko: "WCO 예해", en: "WCO Commentary" },
  "WCO-EN": { ko: "WCO 해설", en: "WCO Explanatory Note" },
  "WCO-CS": { ko: "WCO 사례연구", en: "WCO Case Study" },
  "WCO-ST": { ko: "WCO 연구", en: "WCO Study" },
};

/** The label of `reference` in `language`. */
export function label(reference, language) {
  return (
    koreanLaw(reference, language) ?? agreement(reference, language) ?? instrument(reference, language) ?? reference
  );
}

// Article, then a paragraph in brackets, then an item: bare after a paragraph (`30(1)1`), after a colon where the
// article has no paragraphs (`17:1`). Each number may have a branch (`17-2`, `1-3`).
const PROVISION = /^(\d+(?:-\d+)?)(?:\((\d+)\))?(?::?(\d+(?:-\d+)?))?$/;

function koreanLaw(reference, language) {
  const [, family, provision] = /^(KR-[A-Z]+)-(.+)$/.exec(reference) ?? [];
  const law = KOREAN_LAWS[family];
  const [matched, article, paragraph, item] = PROVISION.exec(provision ?? "") ?? [];
  if (!law || !matched) return null;
  if (language !== "ko") {
    const place = paragraph ? `${article}(${paragraph})${item ?? ""}` : `${article}${item ? ` item ${item}` : ""}`;
    return `${law.en} Art. ${place}`;
  }
  let text = `${law.ko} ${numbered(article, "조")}`;
  if (paragraph) text += numbered(paragraph, "항");
  if (item) text += numbered(item, "호");
  return text;
}

function numbered(number, unit) {
  const [base, branch] = number.split("-");
  return `제${base}${unit}${branch ? `의${branch}` : ""}`;
}

function agreement(reference, language) {
  const korean = language === "ko";
  const [, note, article] = /^WTO-VA-(N?)(.+)$/.exec(reference) ?? [];
  if (article) {
    if (!korean) return `WTO Valuation Agreement, ${note ? "Note to " : ""}Art. ${article}`;
    const [, base, paragraph, rest] = /^(\d+)(?:\.(\d+))?(.*)$/.exec(article) ?? [, article, "", ""];
    return `WTO 관세평가협정 제${base}조${paragraph ? `제${paragraph}항` : ""}${rest}${note ? " 주해" : ""}`;
  }
  const [, section] = /^US-1401A(.*)$/.exec(reference) ?? [];
  if (section === undefined) return null;
  return `${korean ? "미국 " : ""}19 U.S.C. § 1401a${section}`;
}

function instrument(reference, language) {
  const [, family, number] = /^([A-Z]+-[A-Z]+)-(.+)$/.exec(reference) ?? [];
  const known = INSTRUMENTS[family];
  return known ? `${known[language]} ${number}` : null;
}
