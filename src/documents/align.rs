//! Lays one mark over another and measures what is left over.
//!
//! A turn, a scale and a shift are looked for that make the correlation of the two inks greatest: first among many turns
//! at a quarter of the size, then in ever smaller steps up to the full one (coordinate search). What then differs is ink
//! of one that has no ink of the other within a pixel or two.

use super::Kind;
use super::mark::Mark;
use super::plane::Plane;

/// How the second mark must be moved to lie on the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Radians.
    pub turn: f32,
    pub scale: f32,
    /// Shares of the form's width.
    pub shift: [f32; 2],
}

/// Two marks in one place.
#[derive(Clone, Debug)]
pub struct Laid {
    pub alignment: Alignment,
    /// The second mark's ink where the first one lies: in full, and at half the size.
    pub second: [Plane; 2],
    /// Correlation of their inks, 1 where they are the same.
    pub correlation: f32,
    /// Share of the first's ink without ink of the second nearby, and the other way round.
    pub stray: [f32; 2],
    /// Logarithm of the second's ink over the first's.
    pub weight: f32,
}

const NONE: Alignment = Alignment { turn: 0.0, scale: 1.0, shift: [0.0, 0.0] };

/// # Panics
/// Marks of two kinds.
pub fn lay(first: &Mark, second: &Mark) -> Laid {
    assert_eq!(first.kind, second.kind, "marks of one kind are compared");
    let pair = |level: usize, stride: usize| Pair::new(&first.levels[level], &second.levels[level], stride);
    let mut best = pair(2, 2).best_of(starts(first.kind));
    best.truncate(4);
    let quarter = pair(2, 1);
    let refined = best.into_iter().map(|start| quarter.refine(start.0, [0.04, 0.04, 0.02], 4));
    let (start, _) = refined.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are starts");
    let (start, _) = pair(1, 1).refine(start, [0.015, 0.01, 0.006], 4);
    let (alignment, _) = pair(0, 2).refine(start, [0.005, 0.004, 0.002], 3);
    let moved = moved(&second.levels[0], &alignment);
    let one_way = |from: &Plane, to: &Plane| {
        let near = to.widened(REACH);
        let left: f32 = from.values.iter().zip(&near.values).map(|(from, near)| (from - near).max(0.0)).sum();
        left / from.sum().max(1.0)
    };
    let laid = &first.levels[0];
    let (ours, theirs) = (laid.sum(), moved.sum());
    Laid {
        alignment,
        correlation: Pair::new(laid, &moved, 1).correlation(&NONE),
        stray: [one_way(laid, &moved), one_way(&moved, laid)],
        weight: (theirs.max(1.0) / ours.max(1.0)).ln(),
        second: [moved.clone(), moved.halved()],
    }
}

/// Pixels of the standard form within which ink counts as being in place.
const REACH: usize = 1;

/// Turns and scales that are tried first. A stamp may have been put down any way round, a signature hardly askew.
fn starts(kind: Kind) -> Vec<Alignment> {
    let mut starts = Vec::new();
    // The box of a square grows by up to a quarter as it turns.
    let (upright, scales): ((i32, f32), &[f32]) = match kind {
        Kind::Stamp => ((9, 4.0_f32.to_radians()), &[0.82, 0.91, 1.0, 1.1, 1.22]),
        Kind::Signature => ((3, 3.0_f32.to_radians()), &[0.85, 0.92, 1.0, 1.09, 1.18]),
    };
    for step in -upright.0..=upright.0 {
        for scale in scales {
            for shift in [[0.0, 0.0], [0.03, 0.0], [-0.03, 0.0], [0.0, 0.03], [0.0, -0.03]] {
                starts.push(Alignment { turn: step as f32 * upright.1, scale: *scale, shift });
            }
        }
    }
    if kind == Kind::Stamp {
        let around = (10..80).map(|step| Alignment { turn: step as f32 * 4.0_f32.to_radians(), ..NONE });
        starts.extend(around);
    }
    starts
}

/// Two inks at one size, softened so that near misses are felt, of which every so manieth row and column counts.
struct Pair {
    first: Plane,
    second: Plane,
    stride: usize,
}

impl Pair {
    fn new(first: &Plane, second: &Plane, stride: usize) -> Self {
        Self { first: first.blurred(0.8), second: second.blurred(0.8), stride }
    }

    fn correlation(&self, alignment: &Alignment) -> f32 {
        let mut sums = Sums::default();
        let first = &self.first;
        walk(&self.second, alignment, self.stride, |at, theirs| sums.add(first.values[at], theirs));
        sums.correlation()
    }

    /// All, the best first.
    fn best_of(&self, starts: Vec<Alignment>) -> Vec<(Alignment, f32)> {
        let mut judged: Vec<(Alignment, f32)> =
            starts.into_iter().map(|start| (start, self.correlation(&start))).collect();
        judged.sort_by(|a, b| b.1.total_cmp(&a.1));
        judged
    }

    /// Steps one way or the other for as long as that helps, then in steps of half the length.
    fn refine(&self, start: Alignment, mut steps: [f32; 3], rounds: usize) -> (Alignment, f32) {
        let mut best = (start, self.correlation(&start));
        for _ in 0..rounds {
            for way in 0..4 {
                for side in [1.0, -1.0] {
                    let mut next = best.0;
                    match way {
                        0 => next.turn += side * steps[0],
                        1 => next.scale *= 1.0 + side * steps[1],
                        axis => next.shift[axis - 2] += side * steps[2],
                    }
                    let judged = self.correlation(&next);
                    if judged > best.1 {
                        best = (next, judged);
                        break;
                    }
                }
            }
            steps = steps.map(|step| step * 0.6);
        }
        best
    }
}

/// A plane's ink, moved.
pub fn moved(plane: &Plane, alignment: &Alignment) -> Plane {
    let mut out = Plane::new(plane.width, plane.height);
    walk(plane, alignment, 1, |at, value| out.values[at] = value);
    out
}

/// Visits places of a moved plane with the ink that comes to lie there.
fn walk(plane: &Plane, alignment: &Alignment, stride: usize, mut visit: impl FnMut(usize, f32)) {
    let (width, height) = (plane.width, plane.height);
    let middle = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
    let (sin, cos) = (-alignment.turn).sin_cos();
    let (sin, cos) = (sin / alignment.scale, cos / alignment.scale);
    let shift = alignment.shift.map(|share| share * width as f32);
    for y in (0..height).step_by(stride) {
        let down = y as f32 - middle[1] - shift[1];
        for x in (0..width).step_by(stride) {
            let across = x as f32 - middle[0] - shift[0];
            let from = [middle[0] + across * cos - down * sin, middle[1] + across * sin + down * cos];
            // Nearly all places lie inside, where four pixels are at hand.
            let value = if from[0] >= 0.0 && from[1] >= 0.0 {
                let (left, top) = (from[0] as usize, from[1] as usize);
                let at = top * width + left;
                if left + 1 < width && top + 1 < height {
                    let (part_x, part_y) = (from[0] - left as f32, from[1] - top as f32);
                    let [above, below] = [&plane.values[at..at + 2], &plane.values[at + width..at + width + 2]];
                    let upper = above[0] + part_x * (above[1] - above[0]);
                    upper + part_y * (below[0] + part_x * (below[1] - below[0]) - upper)
                } else {
                    plane.sample(from[0], from[1])
                }
            } else {
                plane.sample(from[0], from[1])
            };
            visit(y * width + x, value);
        }
    }
}

/// What a correlation is made of.
#[derive(Default)]
struct Sums {
    count: f32,
    ours: f32,
    theirs: f32,
    squares: [f32; 2],
    products: f32,
}

impl Sums {
    fn add(&mut self, ours: f32, theirs: f32) {
        self.count += 1.0;
        self.ours += ours;
        self.theirs += theirs;
        self.squares[0] += ours * ours;
        self.squares[1] += theirs * theirs;
        self.products += ours * theirs;
    }

    fn correlation(&self) -> f32 {
        let both = self.products - self.ours * self.theirs / self.count;
        let ours = self.squares[0] - self.ours * self.ours / self.count;
        let theirs = self.squares[1] - self.theirs * self.theirs / self.count;
        both / (ours.max(0.0) * theirs.max(0.0)).sqrt().max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::draw::Origin;
    use crate::documents::sample::{Wanted, draw};

    #[test]
    fn a_mark_turned_and_shifted_is_laid_back_onto_itself() {
        for kind in Kind::ALL {
            let wanted =
                Wanted { kind, seed: 3, first: 0, identities: 3, genuine: 1, forged: 0, copied: 0, is_straight: true };
            for samples in draw(&wanted) {
                let mark = &samples[0].mark;
                assert_eq!(samples[0].origin, Origin::Genuine);
                let by = Alignment { turn: 0.15, scale: 1.06, shift: [0.02, -0.01] };
                let mut other = mark.clone();
                other.levels[0] = moved(&mark.levels[0], &by);
                other.levels[1] = other.levels[0].halved();
                other.levels[2] = other.levels[1].halved();
                let laid = lay(mark, &other);
                assert!(laid.correlation > 0.9, "{kind:?}: {}", laid.correlation);
                assert!((laid.alignment.turn + 0.15).abs() < 0.03, "{:?}", laid.alignment);
                assert!(laid.stray[0] < 0.1 && laid.stray[1] < 0.1, "{:?}", laid.stray);
            }
        }
    }
}
