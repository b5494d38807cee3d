//! Signatures: a writer's movement, how it varies from one signing to the next, and an imitator's hand.
//!
//! A signature is a smooth curve through the points of a movement, in units of the writer's letter height. The same
//! writer's signings differ by the amounts below; an imitator follows the same movement with other proportions, slant and
//! rhythm, slowly and so with tremor and an even pen.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::raster::{Point, Stroke};

/// What keeps one writer apart from others.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Movements between two lifts of the pen.
    movements: Vec<Vec<Point>>,
    slant: f32,
    /// Width of the line at rest, in letter heights.
    pen: f32,
    /// How much a fast pen thins its line.
    rhythm: f32,
    /// Height of tremor, in letter heights.
    tremor: f32,
    /// How much signings differ.
    variation: f32,
    /// Height of the letters, in millimetres.
    pub height_mm: f32,
    pub is_blue: bool,
}

/// Spread of a point from one signing to the next, in letter heights.
pub const VARIATION: f32 = 0.04;
/// Spread of the slant, and of the scales, from one signing to the next.
pub const LEANING: f32 = 0.04;
/// How far an imitator's points are off throughout.
pub const IMITATION: f32 = 0.075;
/// Tremor of an imitator, in letter heights.
pub const TREMOR: [f32; 2] = [0.006, 0.016];

impl Writer {
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let num_movements = rng.random_range(1..=3);
        let (mut movements, mut x) = (Vec::new(), 0.0_f32);
        let pace = rng.random_range(0.16..0.34);
        let small = rng.random_range(0.3..0.6);
        for at in 0..num_movements {
            let mut movement: Vec<Point> = Vec::new();
            let turns = rng.random_range(4..9);
            for turn in 0..turns {
                let is_capital = turn == 0 || rng.random_bool(0.15);
                let up = if is_capital { rng.random_range(0.8..1.15) } else { small * rng.random_range(0.7..1.3) };
                let down =
                    if rng.random_bool(0.18) { rng.random_range(-0.5..-0.15) } else { rng.random_range(-0.05..0.1) };
                movement.push([x + rng.random_range(-0.08..0.12), -up]);
                if is_capital || rng.random_bool(0.3) {
                    // A loop: back and round before going down.
                    movement.push([x - rng.random_range(0.1..0.35), -0.6 * up]);
                }
                movement.push([x + rng.random_range(-0.05..0.15), -down]);
                x += pace * rng.random_range(0.6..1.6);
            }
            if at + 1 == num_movements && rng.random_bool(0.55) {
                // A flourish under or through the name.
                let depth = rng.random_range(0.0..0.5);
                movement.push([x + rng.random_range(0.3..0.8), -0.2]);
                movement.push([x * rng.random_range(0.0..0.5), depth]);
                movement.push([x + rng.random_range(0.1..0.6), depth - rng.random_range(-0.1..0.2)]);
            }
            movements.push(movement);
            x += rng.random_range(0.05..0.3);
        }
        Self {
            movements,
            slant: rng.random_range(-0.15..0.5),
            pen: rng.random_range(0.05..0.085),
            rhythm: rng.random_range(0.3..0.7),
            tremor: 0.0,
            variation: VARIATION,
            height_mm: rng.random_range(8.0..12.0),
            is_blue: rng.random_bool(0.4),
        }
    }

    /// Someone who has practised this writer's signature.
    pub fn imitator(&self, rng: &mut ChaCha8Rng) -> Self {
        let mut imitator = self.clone();
        let stretch = [1.0 + 0.08 * normal(rng), 1.0 + 0.06 * normal(rng)];
        for movement in &mut imitator.movements {
            let [mut dx, mut dy] = [0.0, 0.0];
            for [x, y] in movement {
                // Errors carry over from one point to the next.
                dx = 0.5 * dx + IMITATION * 0.87 * normal(rng);
                dy = 0.5 * dy + IMITATION * 0.87 * normal(rng);
                *x = *x * stretch[0] + dx;
                *y = *y * stretch[1] + dy;
            }
        }
        let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        imitator.slant += side * rng.random_range(0.06..0.18);
        imitator.rhythm *= rng.random_range(0.1..0.5);
        imitator.tremor = rng.random_range(TREMOR[0]..TREMOR[1]);
        imitator.variation = 1.2 * VARIATION;
        imitator
    }

    /// One signing.
    pub fn sign(&self, rng: &mut ChaCha8Rng) -> Vec<Stroke> {
        let slant = self.slant + LEANING * normal(rng);
        let stretch = [1.0 + LEANING * normal(rng), 1.0 + LEANING * normal(rng)];
        let pen = self.pen * (1.0 + 0.08 * normal(rng));
        let drift = 0.5 * LEANING * normal(rng);
        let mut strokes = Vec::new();
        for movement in &self.movements {
            let points: Vec<Point> = movement
                .iter()
                .map(|[x, y]| {
                    let x = x * stretch[0] + self.variation * normal(rng);
                    let y = y * stretch[1] + self.variation * normal(rng);
                    [x - slant * y, y + drift * x]
                })
                .collect();
            strokes.push(self.trace(&points, pen, rng));
        }
        strokes
    }

    /// A curve through the points (Catmull-Rom), thin where the pen is fast.
    fn trace(&self, points: &[Point], pen: f32, rng: &mut ChaCha8Rng) -> Stroke {
        let at = |index: isize| points[index.clamp(0, points.len() as isize - 1) as usize];
        let mut stroke = Stroke { points: Vec::new(), widths: Vec::new() };
        let phase: f32 = rng.random_range(0.0..std::f32::consts::TAU);
        let mut way = 0.0;
        for index in 0..points.len() as isize - 1 {
            let [a, b, c, d] = [at(index - 1), at(index), at(index + 1), at(index + 2)];
            let length = (c[0] - b[0]).hypot(c[1] - b[1]);
            let steps = ((length / 0.06).ceil() as usize).max(3);
            for step in 0..steps {
                let t = step as f32 / steps as f32;
                let curve = |i: usize| {
                    0.5 * (2.0 * b[i]
                        + (c[i] - a[i]) * t
                        + (2.0 * a[i] - 5.0 * b[i] + 4.0 * c[i] - d[i]) * t * t
                        + (3.0 * b[i] - a[i] - 3.0 * c[i] + d[i]) * t * t * t)
                };
                way += length / steps as f32;
                let shake = self.tremor * ((way * 40.0 + phase).sin() + 0.7 * normal(rng));
                let turn = self.tremor * ((way * 33.0 + 2.0 * phase).cos() + 0.7 * normal(rng));
                stroke.points.push([curve(0) + shake, curve(1) + turn]);
                // The pen is fastest between two turns.
                let speed = (t * std::f32::consts::PI).sin() * (length / 0.9).min(1.0);
                stroke.widths.push(pen * (1.15 - self.rhythm * speed));
            }
        }
        stroke.points.push(points[points.len() - 1]);
        stroke.widths.push(pen * (1.0 - self.rhythm * 0.6));
        stroke
    }
}

/// Nearly normal, spread 1.
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| rng.random::<f32>()).sum();
    (sum - 2.0) * 1.732
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn middles(strokes: &[Stroke]) -> Vec<Point> {
        strokes.iter().map(|stroke| stroke.points[stroke.points.len() / 2]).collect()
    }

    #[test]
    fn a_writer_varies_less_than_an_imitator_is_off() {
        let (mut rng, mut own, mut imitated) = (ChaCha8Rng::seed_from_u64(2), 0.0, 0.0);
        for _ in 0..100 {
            let writer = Writer::draw(&mut rng);
            let imitator = writer.imitator(&mut rng);
            let first = middles(&writer.sign(&mut rng));
            let far = |other: Vec<Point>| -> f32 {
                let distance = first.iter().zip(&other).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
                distance.sum::<f32>() / first.len() as f32
            };
            own += far(middles(&writer.sign(&mut rng)));
            imitated += far(middles(&imitator.sign(&mut rng)));
        }
        assert!(imitated > 1.2 * own, "{imitated} {own}");
        assert!(own > 1.0, "signings vary: {own}");
    }
}
