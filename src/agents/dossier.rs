//! Results as a dossier: what each call said, what follows, what the request took wrongly for granted, what is missing.
//!
//! In: a record. Out: Markdown whose every figure comes from a result, with `[n]` for the call it came from. No language
//! model takes part. [`body`] is the answer on the page, [`whole`] the file that is signed: the same, with how it came about.

use std::fmt::Write as _;

use super::intent::{Intent, Premise, Wish};
use super::lock::Struck;
use super::plan::Planner;
use super::tool::{Finding, Stance};
use super::tools;
use super::trace::{Call, Ended, Record};
use crate::lang::Language;

/// The answer.
pub fn body(record: &Record, intent: &Intent) -> String {
    let language = record.language;
    let mut text = String::new();
    let findings = findings(record);
    for premise in &intent.premises {
        text.push_str(&on_premise(premise, &findings, language));
    }
    if let Some(sentence) = conclusion(intent, &findings, language) {
        let _ = writeln!(text, "**{sentence}**\n");
    }
    let many = record.calls.len() > 1;
    for call in &record.calls {
        if many {
            let title = tools::title(&call.tool, language);
            let _ = writeln!(text, "#### {title} [{}]\n", call.n);
        }
        text.push_str(&told(call, language));
        if !many {
            let _ = write!(text, " [{}]", call.n);
        }
        text.push_str("\n\n");
    }
    if !record.missing.is_empty() {
        let head = pick(language, "아직 모르는 것", "What is missing");
        let _ = writeln!(text, "#### {head}\n");
        for missing in &record.missing {
            let _ = writeln!(text, "- {}", missing.get(language));
        }
        text.push('\n');
    }
    if record.calls.is_empty() && record.missing.is_empty() {
        text.push_str(pick(
            language,
            "이 요청에 부를 도구가 없습니다. 업체·신고번호·물품·금액을 적어 주시면 위험도, 품목번호, 과세가격, 업체 현황, 관계망, 체납 위험을 확인하거나 규정 문서에서 답을 찾습니다.",
            "There is no tool to call for this request. With a company, a declaration number, goods or amounts I can score risk, find HS codes, work out customs values, show a company, its network and its arrears, or look a rule up in the documents.",
        ));
    }
    if record.calls.iter().any(|call| call.ended.outcome().is_some_and(|outcome| outcome.demo)) {
        let _ = write!(
            text,
            "*{}*",
            pick(
                language,
                "가상 자료에 따른 결과입니다. 실제 업체나 신고와 관계가 없습니다.",
                "These results rest on invented demo data and say nothing of any real company or declaration."
            )
        );
    }
    text.trim_end().to_owned()
}

fn pick(language: Language, ko: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Ko => ko,
        Language::En => en,
    }
}

fn told(call: &Call, language: Language) -> String {
    match &call.ended {
        Ended::Outcome(outcome) => outcome.told.get(language).trim_end().to_owned(),
        Ended::Failure(failure) => match language {
            Language::Ko => format!("결과 없음: {failure}"),
            Language::En => format!("No result: {failure}"),
        },
    }
}

/// The findings with the call each comes from.
fn findings<'a>(record: &'a Record) -> Vec<(usize, &'a Finding)> {
    let of_call = |call: &'a Call| {
        let findings = call.ended.outcome().map_or(&[][..], |outcome| &outcome.findings);
        findings.iter().map(|finding| (call.n, finding))
    };
    record.calls.iter().flat_map(of_call).collect()
}

/// Says where the request takes for granted what the results contradict.
fn on_premise(premise: &Premise, findings: &[(usize, &Finding)], language: Language) -> String {
    let Some((n, finding)) = findings.first() else { return String::new() };
    if finding.stance == premise.stance {
        return String::new();
    }
    let said = &premise.words;
    match language {
        Language::Ko => format!("요청의 ‘{said}’은(는) 사실과 다릅니다. {} [{n}]\n\n", finding.words.ko),
        Language::En => format!("The request says “{said}”, and that is not so. {} [{n}]\n\n", finding.words.en),
    }
}

/// What follows for an audit: the grounds counted, never weighed beyond what the results say.
fn conclusion(intent: &Intent, findings: &[(usize, &Finding)], language: Language) -> Option<String> {
    if !intent.wishes.contains(&Wish::Audit) || findings.is_empty() {
        return None;
    }
    let of = |stance: Stance| -> Vec<String> {
        let matching = findings.iter().filter(|(_, finding)| finding.stance == stance);
        matching.map(|(n, finding)| format!("{} [{n}]", finding.matter.get(language))).collect()
    };
    let (high, middle, total) = (of(Stance::High), of(Stance::Middle), findings.len());
    let named = |matters: &[String]| matters.join(", ");
    Some(match (language, &high[..]) {
        (Language::Ko, []) if middle.is_empty() => {
            format!("확인한 {total}가지 사실 가운데 심사의 근거가 되는 것은 없습니다. 결정은 담당자가 합니다.")
        }
        (Language::En, []) if middle.is_empty() => {
            format!("Of {total} matters looked at, none is a ground for an audit. The officer decides.")
        }
        (Language::Ko, []) => format!(
            "확인한 {total}가지 사실 가운데 뚜렷한 근거는 없고, 살펴볼 것은 {}입니다. 결정은 담당자가 합니다.",
            named(&middle)
        ),
        (Language::En, []) => format!(
            "Of {total} matters looked at, none is a clear ground for an audit; worth a look: {}. The officer decides.",
            named(&middle)
        ),
        (Language::Ko, high) => format!(
            "확인한 {total}가지 사실 가운데 {}가지가 심사의 근거가 됩니다: {}. 결정은 담당자가 합니다.",
            high.len(),
            named(high)
        ),
        (Language::En, high) => format!(
            "Of {total} matters looked at, {} {} for an audit: {}. The officer decides.",
            high.len(),
            if high.len() == 1 { "is a ground" } else { "are grounds" },
            named(high)
        ),
    })
}

/// The file: the answer, and how it came about.
pub fn whole(record: &Record) -> String {
    let language = record.language;
    let say = |ko, en| pick(language, ko, en);
    let mut text = format!("# {}\n\n", say("조사 보고서", "Dossier"));
    let _ = writeln!(text, "- {}: `{}`", say("번호", "Run"), record.id);
    let _ = writeln!(text, "- {}: {}", say("일시", "Made at"), record.started_at);
    let _ = writeln!(text, "- {}: {}\n", say("요청", "Request"), record.request.replace('\n', " "));
    let _ = writeln!(text, "{}\n", record.answer);
    let _ = writeln!(text, "## {}\n", say("확인 과정", "How it came about"));
    let planner = match record.planner {
        Planner::Rules => say("규칙이 세운 계획", "Planned by rules"),
        Planner::Model => say("언어 모델이 고른 도구", "Tool chosen by the language model"),
        Planner::Nobody => say("부를 도구 없음", "Nothing to call"),
    };
    let _ = writeln!(text, "{planner}.\n");
    let _ = writeln!(
        text,
        "| n | {} | {} | {} | SHA-256 |",
        say("도구", "Tool"),
        say("인수", "Arguments"),
        say("이유", "Why")
    );
    let _ = writeln!(text, "|---|---|---|---|---|");
    for call in &record.calls {
        let why = record.plan.get(call.n - 1).map_or("", |step| step.why.get(language));
        let arguments = call.arguments.to_string().replace('|', "\\|");
        let _ = writeln!(text, "| {} | {} | `{arguments}` | {why} | `{}` |", call.n, call.tool, &call.hash[..16]);
    }
    text.push('\n');
    if !record.seen.is_empty() {
        let _ =
            writeln!(text, "## {}\n", say("자료 속의 지시문 (따르지 않음)", "Instructions in the data (not followed)"));
        for seen in &record.seen {
            let _ = writeln!(text, "- {}: `{}`", seen.source, seen.text.replace('`', "'"));
        }
        text.push('\n');
    }
    let struck: Vec<&Struck> = record.spoken.iter().flat_map(|spoken| &spoken.struck).collect();
    if !struck.is_empty() {
        let _ = writeln!(text, "## {}\n", say("뺀 문장", "Sentences withheld"));
        let decision = say("결정은 담당자의 몫", "the decision is the officer's").to_owned();
        let unfounded = say("결과에 없는 말", "in no result").to_owned();
        for struck in struck {
            let (sentence, why) = match struck {
                Struck::Figure { sentence, figure } => (sentence, figure),
                Struck::Contrary { sentence, matter } => (sentence, matter),
                Struck::Decision { sentence } => (sentence, &decision),
                Struck::Unfounded { sentence } => (sentence, &unfounded),
            };
            let _ = writeln!(text, "- {} ({why})", sentence.replace('\n', " "));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "## {}\n", say("사용한 것", "Made with"));
    for (name, version) in &record.versions {
        let _ = writeln!(text, "- {name}: `{version}`");
    }
    let _ = writeln!(text, "\n{}: ____________________", say("확인자", "Signed"));
    text
}

/// The file as a page of its own.
pub fn html(record: &Record) -> String {
    let mut content = String::new();
    let markdown = whole(record);
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    // What stands in the data stays text: raw HTML is shown, not obeyed.
    let events = pulldown_cmark::Parser::new_ext(&markdown, options).map(|event| match event {
        pulldown_cmark::Event::Html(raw) | pulldown_cmark::Event::InlineHtml(raw) => pulldown_cmark::Event::Text(raw),
        event => event,
    });
    pulldown_cmark::html::push_html(&mut content, events);
    let (lang, title) = (record.language.code(), pick(record.language, "조사 보고서", "Dossier"));
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<meta charset=\"utf-8\">\n<title>{title} {}</title>\n<style>\n\
         body {{ max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font-family: system-ui, sans-serif; line-height: 1.5; }}\n\
         table {{ border-collapse: collapse; width: 100%; font-size: 0.85rem; }}\n\
         td, th {{ border: 1px solid #bbb; padding: 0.25rem 0.5rem; text-align: left; overflow-wrap: anywhere; }}\n\
         blockquote {{ border-left: 3px solid #888; margin-left: 0; padding-left: 1rem; }}\n</style>\n{content}</html>\n",
        record.id
    )
}
