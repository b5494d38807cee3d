//! Answers, as users get them: the quoted sentence and the explanation that passed the check, held to what is known to
//! be right. Chooses between models, together with the clock.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Asked, Error, Report, corpus_of, read, share};
use crate::chat::{Answer, Chat, TurnRequest};
use crate::rag::polarity::{self, Polarity};

/// Least share of answers that hold all they must, and most that say the opposite of what is right.
const MIN_RIGHT: f64 = 0.7;
const MAX_CONTRADICTED: f64 = 0.02;

#[derive(Deserialize)]
struct Question {
    #[serde(flatten)]
    asked: Asked,
    /// The right yes or no, where the question is one.
    polarity: Option<YesNo>,
    /// Of each list, one must occur.
    must: Vec<Vec<String>>,
    must_not: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum YesNo {
    Yes,
    No,
}

/// One answer, judged.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    pub id: String,
    pub question: String,
    /// Everything required is there and nothing forbidden.
    pub right: bool,
    /// It says yes where no is right, or the reverse.
    pub contradicted: bool,
    pub refused: bool,
    /// Of the lists of required words, those of which none occurs.
    pub missing: Vec<String>,
    /// A right document is among the cited ones.
    pub cited: bool,
    pub quote: String,
    pub answer: String,
    pub kept: usize,
    pub withheld: usize,
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct AnswersReport {
    pub suite: String,
    pub model: String,
    pub n: usize,
    pub right: f64,
    pub contradicted: f64,
    pub refused: f64,
    pub cited: f64,
    /// Answers in which at least one sentence of the model's passed the check.
    pub explained: f64,
    /// Of all sentences the model wrote, those withheld.
    pub withheld: f64,
    pub seconds_per_answer: f64,
    pub min_right: f64,
    pub max_contradicted: f64,
    pub answers: Vec<Judged>,
}

impl Report for AnswersReport {
    fn passed(&self) -> bool {
        self.right >= MIN_RIGHT && self.contradicted <= MAX_CONTRADICTED
    }

    fn in_words(&self) -> String {
        let mut words = format!(
            "{} by {}  n {}  right {:.3} (wanted {MIN_RIGHT})  contradicted {:.3} (at most {MAX_CONTRADICTED})  refused {:.3}  \
             cited {:.3}  explained {:.3}  sentences withheld {:.3}  {:.1} s an answer\n",
            self.suite,
            self.model,
            self.n,
            self.right,
            self.contradicted,
            self.refused,
            self.cited,
            self.explained,
            self.withheld,
            self.seconds_per_answer
        );
        for answer in self.answers.iter().filter(|answer| !answer.right || answer.contradicted) {
            let fault = match (answer.refused, answer.contradicted) {
                (true, _) => "refused".into(),
                (_, true) => "contradicted".into(),
                _ => format!("lacks {}", answer.missing.join(" and ")),
            };
            words.push_str(&format!("{} {fault}: {}\n", answer.id, answer.question));
        }
        words
    }
}

/// Runs the suite.
///
/// # Errors
/// An unknown or malformed suite; those of the turns.
pub async fn run(chat: &Chat, suite: &str, limit: Option<usize>) -> Result<AnswersReport, Error> {
    let questions: Vec<Question> = read("answers", suite, limit)?;
    let mut answers = Vec::with_capacity(questions.len());
    for question in &questions {
        let started = Instant::now();
        let request = TurnRequest::question(&question.asked.question, corpus_of(suite));
        let answer = Answer::read(chat, request, |_| {}).await?;
        answers.push(judge(question, &answer, started.elapsed().as_secs_f64()));
        tracing::info!(id = question.asked.id, right = answers.last().is_some_and(|a| a.right), "answered");
    }
    let count = |what: fn(&Judged) -> bool| share(answers.iter().filter(|answer| what(answer)).count(), answers.len());
    let withheld: usize = answers.iter().map(|answer| answer.withheld).sum();
    let kept: usize = answers.iter().map(|answer| answer.kept).sum();
    Ok(AnswersReport {
        suite: suite.into(),
        model: chat.engine().info().id.clone(),
        n: answers.len(),
        right: count(|answer| answer.right),
        contradicted: count(|answer| answer.contradicted),
        refused: count(|answer| answer.refused),
        cited: count(|answer| answer.cited),
        explained: count(|answer| answer.kept > 0),
        withheld: share(withheld, withheld + kept),
        seconds_per_answer: answers.iter().map(|answer| answer.seconds).sum::<f64>() / answers.len().max(1) as f64,
        min_right: MIN_RIGHT,
        max_contradicted: MAX_CONTRADICTED,
        answers,
    })
}

fn judge(question: &Question, answer: &Answer, seconds: f64) -> Judged {
    let quote = answer.quotes.first();
    let shown = format!("{} {}", quote.map_or("", |quote| quote.text.as_str()), answer.answer);
    let folded = fold(&shown);
    let missing: Vec<String> = question
        .must
        .iter()
        .filter(|words| !words.iter().any(|word| folded.contains(&fold(word))))
        .map(|words| words.join("|"))
        .collect();
    let forbidden = question.must_not.iter().any(|word| folded.contains(&fold(word)));
    let said = polarity::opening(&answer.answer);
    let wanted = question.polarity.map(|polarity| match polarity {
        YesNo::Yes => Polarity::Affirmative,
        YesNo::No => Polarity::Negative,
    });
    let contradicted = !answer.refused && wanted.is_some() && said.is_some() && said != wanted;
    Judged {
        id: question.asked.id.clone(),
        question: question.asked.question.clone(),
        right: !answer.refused && missing.is_empty() && !forbidden && !contradicted,
        contradicted,
        refused: answer.refused,
        missing,
        cited: answer
            .citations
            .iter()
            .any(|citation| citation.topic.is_some_and(|t| question.asked.topics.contains(&t))),
        quote: quote.map(|quote| quote.text.clone()).unwrap_or_default(),
        answer: answer.answer.clone(),
        kept: answer.kept,
        withheld: answer.withheld.len(),
        seconds,
    }
}

/// Letters and digits in lower case: spacing and thousands separators are no difference.
fn fold(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != ',').flat_map(char::to_lowercase).collect()
}
