//! Stamps: a design as an engraver would have it, and another engraver's copy of it.
//!
//! A design is drawn in units of half its height, the origin in its middle. The stamp is rigid: impressions differ by ink,
//! pressure and how it was put down, which [`super::impression`] draws. A copy has the same words and layout and differs
//! in proportions and in every letter's hand by the amounts below.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::glyphs::{Glyph, advance, glyph};
use super::raster::{Placement, Point, Stroke};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Round,
    Square,
    Oval,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Red,
    Blue,
    Black,
}

/// A closed line around.
#[derive(Clone, Debug)]
struct Ring {
    /// From the rim, in half heights.
    inset: f32,
    width: f32,
}

/// Words along a ring.
#[derive(Clone, Debug)]
struct Arc {
    words: String,
    /// Where the middle of the letters lies, as a share of the way to the rim.
    radius: f32,
    height: f32,
    /// Angle between two letters' middles, in radians.
    step: f32,
    is_below: bool,
}

/// Letters in rows and columns, columns read from the right as on seals.
#[derive(Clone, Debug)]
struct Block {
    columns: Vec<String>,
    /// Width and height of the block.
    size: Point,
    /// Share of a cell that a letter fills.
    fill: f32,
}

#[derive(Clone, Debug)]
pub struct Stamp {
    pub ink: Ink,
    pub shape: Shape,
    /// Half the height, in millimetres.
    pub half_mm: f32,
    /// Width over height.
    aspect: f32,
    rings: Vec<Ring>,
    arcs: Vec<Arc>,
    block: Option<Block>,
    /// Half the height of a star in the middle, if there is one.
    star: Option<f32>,
    /// Width of the letters' strokes, in heights of a letter.
    weight: f32,
    /// Seed of the hand that cut the letters.
    hand: u64,
}

/// How far a hand moves each point of a letter, as a spread in heights of the letter.
pub const HAND: f32 = 0.035;
/// How far a copy's proportions are off: each by a factor drawn from one of the two sides.
pub const COPY_PROPORTION: [f32; 2] = [0.06, 0.16];
/// The same for widths of rings and strokes.
pub const COPY_WIDTH: [f32; 2] = [0.15, 0.45];

const SYLLABLES: &str = "한대신동서남북성우진영광명태화삼정국제무역상사해운물산통상미래고려조선백두금강유림경원일";
const WORDS: [&str; 24] = [
    "ORIENT",
    "PACIFIC",
    "TRADING",
    "EXPORT",
    "CHAMBER",
    "COMMERCE",
    "CUSTOMS",
    "UNION",
    "GLOBAL",
    "MARINE",
    "STEEL",
    "TEXTILE",
    "FOODS",
    "HANSA",
    "DELTA",
    "NORTH",
    "STAR",
    "VALLEY",
    "HARBOUR",
    "LOGISTICS",
    "ORIGIN",
    "CERTIFIED",
    "EASTERN",
    "QUALITY",
];
const OFFICES: [&str; 5] = ["대표이사", "대표이사의인", "세관장의인", "사장의인", "법인인감"];

impl Stamp {
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        match rng.random_range(0..10) {
            0..3 => Self::of_company(rng),
            3..5 => Self::of_person(rng),
            5..7 => Self::of_office(rng),
            _ => Self::of_rubber(rng),
        }
    }

    /// A company's round seal: its name around, an office in the middle.
    fn of_company(rng: &mut ChaCha8Rng) -> Self {
        let name = if rng.random_bool(0.5) { "주식회사" } else { "" }.to_owned() + &korean(rng, 4..7);
        let height = rng.random_range(0.24..0.3);
        let inner = rng.random_range(0.5..0.56);
        let arc = Arc {
            step: (std::f32::consts::TAU / name.chars().count() as f32).min(rng.random_range(0.55..0.75)),
            words: name,
            radius: (1.0 + inner) / 2.0 - 0.01,
            height,
            is_below: false,
        };
        let mut rings = vec![Ring { inset: 0.0, width: rng.random_range(0.04..0.09) }];
        if rng.random_bool(0.7) {
            rings.push(Ring { inset: 1.0 - inner, width: rng.random_range(0.025..0.05) });
        }
        let office = OFFICES.choose(rng).expect("there are offices");
        let block = Block { columns: columns(office, 2), size: [0.68, 0.7], fill: rng.random_range(0.78..0.9) };
        Self {
            ink: Ink::Red,
            shape: Shape::Round,
            half_mm: rng.random_range(8.5..13.0),
            aspect: 1.0,
            rings,
            arcs: vec![arc],
            block: Some(block),
            star: None,
            weight: rng.random_range(0.09..0.14),
            hand: rng.random(),
        }
    }

    /// A person's seal: a name in a small ring.
    fn of_person(rng: &mut ChaCha8Rng) -> Self {
        let is_round = rng.random_bool(0.5);
        let name = korean(rng, 3..4);
        let (shape, aspect, columns) = if is_round {
            (Shape::Round, 1.0, columns(&format!("{name}인"), 2))
        } else {
            (Shape::Oval, rng.random_range(0.62..0.74), vec![name])
        };
        let size = if is_round { [1.3, 1.3] } else { [aspect * 1.05, 1.66] };
        Self {
            ink: Ink::Red,
            shape,
            half_mm: rng.random_range(5.5..8.0),
            aspect,
            rings: vec![Ring { inset: 0.0, width: rng.random_range(0.07..0.12) }],
            arcs: Vec::new(),
            block: Some(Block { columns, size, fill: rng.random_range(0.82..0.93) }),
            star: None,
            weight: rng.random_range(0.1..0.14),
            hand: rng.random(),
        }
    }

    /// A square seal of an office.
    fn of_office(rng: &mut ChaCha8Rng) -> Self {
        let (words, num_columns) = if rng.random_bool(0.5) {
            (korean(rng, 4..5) + "세관장의인", 3)
        } else {
            (korean(rng, 2..3) + "의인", 2)
        };
        let mut rings = vec![Ring { inset: 0.0, width: rng.random_range(0.06..0.14) }];
        if rng.random_bool(0.3) {
            rings.push(Ring { inset: rng.random_range(0.14..0.17), width: rng.random_range(0.02..0.04) });
        }
        let inside = 2.0 * (1.0 - rings.iter().map(|ring| ring.inset + ring.width).fold(0.0, f32::max)) - 0.12;
        Self {
            ink: Ink::Red,
            shape: Shape::Square,
            half_mm: rng.random_range(8.0..14.0),
            aspect: 1.0,
            rings,
            arcs: Vec::new(),
            block: Some(Block {
                columns: columns(&words, num_columns),
                size: [inside, inside],
                fill: rng.random_range(0.85..0.94),
            }),
            star: None,
            weight: rng.random_range(0.09..0.13),
            hand: rng.random(),
        }
    }

    /// A rubber stamp with Latin words around and a star or more words in the middle.
    fn of_rubber(rng: &mut ChaCha8Rng) -> Self {
        let is_oval = rng.random_bool(0.4);
        let words = |rng: &mut ChaCha8Rng, most: usize| {
            let picked: Vec<&str> = WORDS.choose_multiple(rng, 3).copied().collect();
            let mut text = picked.join(" ");
            while text.len() > most {
                let Some((shorter, _)) = text.rsplit_once(' ') else { break };
                text = shorter.to_owned();
            }
            text
        };
        let height = rng.random_range(0.17..0.21);
        let radius = 0.79;
        let step = height * rng.random_range(1.0..1.15) / radius;
        let above = words(rng, (3.6 / step) as usize);
        let below = words(rng, (2.2 / step) as usize);
        let arc = |words, is_below| Arc { words, radius, height, step, is_below };
        let mut rings = vec![Ring { inset: 0.0, width: rng.random_range(0.03..0.07) }];
        if rng.random_bool(0.6) {
            rings.push(Ring { inset: rng.random_range(0.05..0.07), width: 0.015 });
        }
        rings.push(Ring { inset: rng.random_range(0.36..0.42), width: rng.random_range(0.015..0.035) });
        let star = (!is_oval && rng.random_bool(0.5)).then(|| rng.random_range(0.26..0.42));
        let aspect = if is_oval { rng.random_range(1.25..1.6) } else { 1.0 };
        let line = || vec!["PAID", "VALID", "SEEN", "KR-01", "NO.27", "D-704"];
        let block = star.is_none().then(|| {
            let word = *line().choose(rng).expect("there are words");
            let columns = word.chars().rev().map(|letter| letter.to_string()).collect();
            Block { columns, size: [0.86 * aspect, 0.3], fill: rng.random_range(0.7..0.85) }
        });
        Self {
            ink: *[Ink::Red, Ink::Blue, Ink::Blue, Ink::Black].choose(rng).expect("there are inks"),
            shape: if is_oval { Shape::Oval } else { Shape::Round },
            half_mm: rng.random_range(13.0..19.0),
            aspect,
            rings,
            arcs: vec![arc(above, false), arc(below, true)],
            block,
            star,
            weight: rng.random_range(0.1..0.16),
            hand: rng.random(),
        }
    }

    /// Another engraver's copy, made to be taken for the original.
    pub fn copied(&self, rng: &mut ChaCha8Rng) -> Self {
        let off = |rng: &mut ChaCha8Rng, [least, most]: [f32; 2]| {
            let by = rng.random_range(least..most);
            if rng.random_bool(0.5) { 1.0 + by } else { 1.0 / (1.0 + by) }
        };
        let mut copy = self.clone();
        copy.hand = rng.random();
        copy.weight *= off(rng, COPY_WIDTH);
        for ring in &mut copy.rings {
            ring.width *= off(rng, COPY_WIDTH);
            ring.inset *= off(rng, COPY_PROPORTION);
        }
        for arc in &mut copy.arcs {
            arc.height *= off(rng, COPY_PROPORTION);
            arc.step *= 1.0 + (off(rng, COPY_PROPORTION) - 1.0) / 2.0;
        }
        if let Some(block) = &mut copy.block {
            block.fill = (block.fill * off(rng, COPY_PROPORTION)).min(1.0);
            block.size[0] *= 1.0 + (off(rng, COPY_PROPORTION) - 1.0) / 2.0;
        }
        if let Some(star) = &mut copy.star {
            *star *= off(rng, COPY_PROPORTION);
        }
        copy
    }

    pub fn strokes(&self) -> Vec<Stroke> {
        let mut strokes: Vec<Stroke> = self.rings.iter().map(|ring| self.ring(ring)).collect();
        let mut cutter = ChaCha8Rng::seed_from_u64(self.hand);
        for arc in &self.arcs {
            self.write_arc(arc, &mut cutter, &mut strokes);
        }
        if let Some(block) = &self.block {
            self.write_block(block, &mut cutter, &mut strokes);
        }
        if let Some(half) = self.star {
            strokes.extend(star(half));
        }
        strokes
    }

    fn ring(&self, ring: &Ring) -> Stroke {
        let half = 1.0 - ring.inset - ring.width / 2.0;
        let across = self.aspect - ring.inset - ring.width / 2.0;
        let points = if self.shape == Shape::Square {
            // Corners are cut a little, as wear does.
            let cut = 0.04;
            [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0)]
                .windows(2)
                .flat_map(|side| {
                    let along = |part: f32| {
                        [
                            across * (side[0].0 + part * (side[1].0 - side[0].0)),
                            half * (side[0].1 + part * (side[1].1 - side[0].1)),
                        ]
                    };
                    [along(cut), along(1.0 - cut)]
                })
                .chain([[across * (2.0 * cut - 1.0), -half]])
                .collect()
        } else {
            (0..=72)
                .map(|at| {
                    let (sin, cos) = (at as f32 / 72.0 * std::f32::consts::TAU).sin_cos();
                    [across * sin, -half * cos]
                })
                .collect()
        };
        Stroke::even(points, ring.width)
    }

    fn write_arc(&self, arc: &Arc, cutter: &mut ChaCha8Rng, strokes: &mut Vec<Stroke>) {
        let middle = (arc.words.chars().count() as f32 - 1.0) / 2.0;
        for (at, letter) in arc.words.chars().enumerate() {
            let angle = (at as f32 - middle) * arc.step;
            let (sin, cos) = angle.sin_cos();
            let across = self.aspect - (1.0 - arc.radius);
            let (shift, turn) = if arc.is_below {
                ([across * sin, arc.radius * cos], -angle)
            } else {
                ([across * sin, -arc.radius * cos], angle)
            };
            // On an oval the letters stand less askew than their angle.
            let turn = turn.sin().atan2(turn.cos() * self.aspect);
            let letter = cut(&glyph(letter), cutter);
            self.place(&letter, &Placement { turn, scale: arc.height, shift }, [1.0, 1.0], strokes);
        }
    }

    fn write_block(&self, block: &Block, cutter: &mut ChaCha8Rng, strokes: &mut Vec<Stroke>) {
        let width = block.size[0] / block.columns.len() as f32;
        for (at, column) in block.columns.iter().enumerate() {
            let x = block.size[0] / 2.0 - (at as f32 + 0.5) * width;
            let height = block.size[1] / column.chars().count() as f32;
            for (row, letter) in column.chars().enumerate() {
                let shift = [x, -block.size[1] / 2.0 + (row as f32 + 0.5) * height];
                let letter = cut(&glyph(letter), cutter);
                let placement = Placement { turn: 0.0, scale: block.fill * height, shift };
                self.place(&letter, &placement, [(width / height).min(1.6), 1.0], strokes);
            }
        }
    }

    /// Puts a letter down about its middle, stretched across and down before it is turned.
    fn place(&self, letter: &Glyph, placement: &Placement, stretch: Point, strokes: &mut Vec<Stroke>) {
        for points in letter {
            let points = points.iter().map(|[x, y]| placement.map([(x - 0.5) * stretch[0], (y - 0.5) * stretch[1]]));
            strokes.push(Stroke::even(points.collect(), self.weight * placement.scale));
        }
    }
}

/// A letter as this hand cuts it.
fn cut(letter: &Glyph, cutter: &mut ChaCha8Rng) -> Glyph {
    let mut off = || (cutter.random::<f32>() + cutter.random::<f32>() - 1.0) * HAND * 2.45;
    let all = [off() * 0.6, off() * 0.6];
    let mut point = |[x, y]: &Point| [x + all[0] + off(), y + all[1] + off()];
    letter.iter().map(|stroke| stroke.iter().map(&mut point).collect()).collect()
}

/// A filled star of five points.
fn star(half: f32) -> Vec<Stroke> {
    let outline = |scale: f32| -> Vec<Point> {
        (0..=10)
            .map(|at| {
                let radius = scale * if at % 2 == 0 { half } else { 0.4 * half };
                let (sin, cos) = (at as f32 / 10.0 * std::f32::consts::TAU).sin_cos();
                [radius * sin, -radius * cos]
            })
            .collect()
    };
    let width = half * 0.22;
    [0.92, 0.6, 0.28].into_iter().map(|scale| Stroke::even(outline(scale), width)).collect()
}

fn korean(rng: &mut ChaCha8Rng, length: std::ops::Range<usize>) -> String {
    let syllables: Vec<char> = SYLLABLES.chars().collect();
    let length = rng.random_range(length);
    (0..length).map(|_| *syllables.choose(rng).expect("there are syllables")).collect()
}

/// Words cut into so many columns, the first the longest.
fn columns(words: &str, count: usize) -> Vec<String> {
    let letters: Vec<char> = words.chars().collect();
    letters.chunks(letters.len().div_ceil(count)).map(|column| column.iter().collect()).collect()
}

/// Width of a line of letters, in heights.
pub fn line_width(text: &str) -> f32 {
    text.chars().map(advance).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::draw::raster::bounds;

    #[test]
    fn designs_stay_within_their_rim_and_a_copy_is_near_but_not_the_same() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..200 {
            let stamp = Stamp::draw(&mut rng);
            let [left, top, right, bottom] = bounds(&stamp.strokes());
            assert!(top >= -1.02 && bottom <= 1.02 && right - left < 2.05 * stamp.aspect, "{stamp:?}");
            let copy = stamp.copied(&mut rng);
            let (own, copied) = (stamp.strokes(), copy.strokes());
            assert_eq!(own.len(), copied.len());
            let far = |(a, b): (&Stroke, &Stroke)| (a.points[0][0] - b.points[0][0]).abs();
            let moved: f32 = own.iter().zip(&copied).map(far).sum::<f32>() / own.len() as f32;
            assert!(moved > 0.0 && moved < 0.2, "{moved}");
        }
    }
}
