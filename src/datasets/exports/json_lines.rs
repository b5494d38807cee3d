//! The formats of one JSON object a line, written and read.

use serde_json::{Value, json};

use super::Format;
use crate::datasets::Row;

const USER: &str = "<|im_start|>user\n";
const ASSISTANT: &str = "<|im_start|>assistant\n";
const END: &str = "<|im_end|>\n";

/// A row in a format of lines; [`Format::Beir`] and the tables are none.
pub(super) fn line(format: Format, row: &Row) -> String {
    let (question, answer) = (&row.question, &row.answer);
    let value = match format {
        Format::Alpaca => json!({"instruction": question, "input": "", "output": answer}),
        Format::ShareGpt => json!({"conversations": [
            {"from": "human", "value": question},
            {"from": "gpt", "value": answer},
        ]}),
        Format::ChatMl => json!({"text": format!("{USER}{question}{END}{ASSISTANT}{answer}{END}")}),
        _ => json!({"messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]}),
    };
    value.to_string()
}

/// A question and an answer out of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::datasets) struct Spoken {
    pub question: String,
    pub answer: String,
}

/// Reads a line of any of the formats; what is wrong with it otherwise. Of a conversation with several turns, the last
/// question and its answer are taken, for the earlier ones would stand without their context.
pub(in crate::datasets) fn spoken(value: &Value) -> Result<Spoken, String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let pair = |question: Option<String>, answer: Option<String>| match (question, answer) {
        (Some(question), Some(answer)) if !question.trim().is_empty() && !answer.trim().is_empty() => {
            Ok(Spoken { question, answer })
        }
        (Some(_), Some(_)) => Err("an empty question or answer".to_owned()),
        _ => Err("no question with an answer".to_owned()),
    };
    if let Some(instruction) = text(value.get("instruction")) {
        let question = match text(value.get("input")).filter(|input| !input.is_empty()) {
            Some(input) => format!("{instruction}\n{input}"),
            None => instruction,
        };
        return pair(Some(question), text(value.get("output")));
    }
    if let Some(chat) = text(value.get("text")) {
        let (before, answer) = chat.rsplit_once(ASSISTANT).ok_or("no turn of the assistant")?;
        let answer = answer.strip_suffix(END).ok_or("the last turn has no end")?;
        let (_, question) = before.rsplit_once(USER).ok_or("no turn of the user")?;
        let question = question.strip_suffix(END).ok_or("the user's turn has no end")?;
        return pair(Some(question.to_owned()), Some(answer.to_owned()));
    }
    let turns = value.get("messages").or_else(|| value.get("conversations")).and_then(Value::as_array);
    if let Some(turns) = turns {
        let said = |names: [&str; 3]| {
            turns.iter().rev().find_map(|turn| {
                let who = turn.get("role").or_else(|| turn.get("from"))?.as_str()?;
                let content = turn.get("content").or_else(|| turn.get("value"));
                names.contains(&who).then(|| text(content)).flatten()
            })
        };
        return pair(said(["user", "human", "prompter"]), said(["assistant", "gpt", "model"]));
    }
    pair(text(value.get("question")), text(value.get("answer")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::{Difficulty, Generator, Lineage, Persona, QuestionType};
    use crate::lang::Language;

    #[test]
    fn every_format_of_lines_reads_what_it_wrote() {
        let row = Row {
            question: "운임은\n더하나요? \"예\"".into(),
            answer: "더한다.\n<|im_start|> is no mark here.".into(),
            language: Language::Ko,
            kind: QuestionType::Fact,
            persona: Persona::Broker,
            difficulty: Difficulty::Easy,
            topic: "51".into(),
            evidence: Vec::new(),
            lineage: Lineage::of(Generator::Templates),
        };
        for format in [Format::Openai, Format::Alpaca, Format::ShareGpt, Format::ChatMl] {
            let value = serde_json::from_str(&line(format, &row)).unwrap();
            let expected = Spoken { question: row.question.clone(), answer: row.answer.clone() };
            assert_eq!(spoken(&value), Ok(expected), "{format:?}");
        }
        assert!(spoken(&json!({"messages": [{"role": "user", "content": "?"}]})).is_err());
        assert!(spoken(&json!({"instruction": " ", "output": "x"})).is_err());
        assert!(spoken(&json!({"other": 1})).is_err());
    }
}
