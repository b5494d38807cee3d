//! Two marks compared: the figures, what they mean in words, and a picture of what differs.

use image::{Rgb, RgbImage};
use serde::Serialize;

use super::Kind;
use super::align::Laid;
use super::mark::Mark;
use super::verdict::{Measured, STATED, Verdict};

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    pub en: String,
    pub ko: String,
}

/// What is said of two marks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub kind: Kind,
    /// Percent: the mean of the network's likeness and of the inks' correlation.
    pub similarity: f64,
    /// That both come from one original, if as many pairs did as did not.
    pub probability: f64,
    pub verdict: Verdict,
    /// The rate of wrong verdicts that the thresholds were set for, on the data learnt from.
    pub stated_error: f64,
    pub reasons: Vec<Words>,
    pub likeness: f64,
    pub correlation: f64,
    /// Shares of either mark's ink without a counterpart in the other.
    pub stray: [f64; 2],
    /// How the second was turned and scaled to lie on the first.
    pub turn_degrees: f64,
    pub scale: f64,
    pub model: String,
    pub trained_on_demo: bool,
}

/// Whose model it was.
pub(super) struct By<'a> {
    pub model: &'a str,
    pub trained_on_demo: bool,
}

impl Comparison {
    pub(super) fn new(
        [first, second]: [&Mark; 2],
        laid: &Laid,
        measured: &Measured,
        probability: f64,
        mut verdict: Verdict,
        by: &By<'_>,
    ) -> Self {
        let mut reasons = reasons(first.kind, laid, measured);
        if let Some(reason) = copied([first, second]) {
            // What a machine printed may have the shape of the original, so shape alone must not pass it.
            if verdict == Verdict::Same {
                verdict = Verdict::Doubtful;
            }
            reasons.push(reason);
        }
        Self {
            kind: first.kind,
            similarity: 50.0 * (measured.likeness.max(0.0) + measured.correlation.max(0.0)),
            probability,
            verdict,
            stated_error: STATED,
            reasons,
            likeness: measured.likeness,
            correlation: measured.correlation,
            stray: laid.stray.map(f64::from),
            turn_degrees: f64::from(laid.alignment.turn.to_degrees()),
            scale: laid.alignment.scale.into(),
            model: by.model.into(),
            trained_on_demo: by.trained_on_demo,
        }
    }
}

fn reasons(kind: Kind, laid: &Laid, measured: &Measured) -> Vec<Words> {
    let [ours, theirs] = laid.stray.map(|share| 100.0 * share);
    let mut reasons = vec![
        Words {
            en: format!("the network finds them {:.0}% alike", 100.0 * measured.likeness.max(0.0)),
            ko: format!("신경망이 본 유사도는 {:.0}%이다", 100.0 * measured.likeness.max(0.0)),
        },
        Words {
            en: format!(
                "laid over each other, {ours:.0}% of the first's ink and {theirs:.0}% of the second's have no counterpart"
            ),
            ko: format!("겹쳐 놓으면 첫째 잉크의 {ours:.0}%, 둘째 잉크의 {theirs:.0}%에 대응하는 부분이 없다"),
        },
    ];
    let more = 100.0 * (laid.weight.abs().exp() - 1.0);
    if more > 25.0 {
        let (en, ko) = if laid.weight > 0.0 { ("second", "둘째") } else { ("first", "첫째") };
        let (strokes, lines) = match kind {
            Kind::Stamp => ("rings and letters", "테두리와 글자"),
            Kind::Signature => ("strokes", "획"),
        };
        reasons.push(Words {
            en: format!("the {en} has {more:.0}% more ink: its {strokes} are thicker or it was inked more"),
            ko: format!("{ko}의 잉크가 {more:.0}% 더 많다. {lines}의 굵기 또는 잉크의 양이 다르다"),
        });
    }
    reasons
}

/// Says so if one mark has a colour and the other, on paper scanned in colour, has none or another.
fn copied(marks: [&Mark; 2]) -> Option<Words> {
    let words = |mark: &Mark| match (mark.colour, mark.is_from_colour_scan) {
        (Some(_), _) => Some(true),
        (None, true) => Some(false),
        (None, false) => None,
    };
    let [first, second] = marks.map(words);
    let apart = matches!((first, second), (Some(true), Some(false)) | (Some(false), Some(true)));
    let hue = |mark: &Mark| mark.colour.map(|[red, _, blue]| red > blue);
    let other_hue = matches!((hue(marks[0]), hue(marks[1])), (Some(a), Some(b)) if a != b);
    if apart && marks[0].kind == Kind::Stamp {
        return Some(Words {
            en: "one is in colour and the other, scanned in colour, is black: it may be a photocopy".into(),
            ko: "하나는 유색이고 다른 하나는 컬러 스캔인데도 검은색이다. 복사본일 수 있다".into(),
        });
    }
    (other_hue && marks[0].kind == Kind::Stamp)
        .then(|| Words {
            en: "their inks are of different colours".into(), ko: "잉크의 색이 서로 다르다".into()
        })
}

/// Times that the picture is larger than the standard form.
const ENLARGED: u32 = 4;

/// What both have is grey, what only the first has blue, what only the second has red.
pub fn heat_map(first: &Mark, laid: &Laid) -> RgbImage {
    let [ours, theirs] = [&first.levels[0], &laid.second[0]];
    let [near_ours, near_theirs] = [ours.widened(1), theirs.widened(1)];
    let (width, height) = (ours.width as u32, ours.height as u32);
    RgbImage::from_fn(width * ENLARGED, height * ENLARGED, |x, y| {
        let [x, y] = [x, y].map(|at| (at as f32 - 1.5) / ENLARGED as f32);
        let [a, b] = [ours, theirs].map(|plane| plane.sample(x, y));
        let only_first = (a - near_theirs.sample(x, y)).max(0.0);
        let only_second = (b - near_ours.sample(x, y)).max(0.0);
        let both = 0.45 * a.max(b);
        let level = |taken: f32| (255.0 * (1.0 - taken).clamp(0.0, 1.0)) as u8;
        Rgb([
            level(both + only_first - 0.3 * only_second),
            level(both + 0.6 * only_first + only_second),
            level(both + only_second - 0.3 * only_first),
        ])
    })
}
