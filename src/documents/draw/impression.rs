//! Ink on paper: how strokes come out when a stamp is pressed or a pen is drawn, and what a copying machine makes of them.
//!
//! Ink takes away light and lets what is beneath show through. A pressed stamp is uneven: fuller on one side, patchy,
//! with specks left white. A copy is even, hard at the edges and made of a screen of dots.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::raster::{Stroke, bounds, ink};
use super::stamp::Ink;
use crate::documents::plane::Plane;

/// Light that comes back from each point, in red, green and blue; 1 is white.
#[derive(Clone, Debug)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[f32; 3]>,
}

impl Canvas {
    pub fn new(width: usize, height: usize, paper: [f32; 3]) -> Self {
        Self { width, height, pixels: vec![paper; width * height] }
    }

    /// Takes light away where `shares` has ink; its corner lies at `left` and `top`, which may be outside.
    pub fn blend(&mut self, shares: &Plane, left: isize, top: isize, colour: [f32; 3]) {
        for y in 0..shares.height {
            let Some(row) = (top + y as isize).try_into().ok().filter(|row: &usize| *row < self.height) else {
                continue;
            };
            for x in 0..shares.width {
                let Ok(column) = usize::try_from(left + x as isize) else { continue };
                let share = shares.at(x, y);
                if column < self.width && share > 0.0 {
                    let pixel = &mut self.pixels[row * self.width + column];
                    for (light, ink) in pixel.iter_mut().zip(colour) {
                        *light *= 1.0 - share * (1.0 - ink);
                    }
                }
            }
        }
    }
}

/// How ink came onto the paper.
#[derive(Clone, Debug)]
pub struct Impression {
    pub colour: [f32; 3],
    /// Share of ink where it is full.
    density: f32,
    /// How much density wanders over the mark.
    patchiness: f32,
    /// Share of points left white.
    specks: f32,
    /// How much less ink there is on one side, and the side's angle.
    lean: (f32, f32),
    /// Pixels that ink adds to a stroke.
    pub bleed: f32,
    softness: f32,
    /// Whether a machine printed it from a picture.
    is_copied: bool,
}

impl Impression {
    /// A stamp pressed by hand.
    pub fn stamped(of: Ink, rng: &mut ChaCha8Rng) -> Self {
        let mut near = |value: f32| (value + rng.random_range(-0.06..0.06)).clamp(0.02, 1.0);
        let colour = match of {
            Ink::Red => [near(0.82), near(0.14), near(0.16)],
            Ink::Blue => [near(0.14), near(0.22), near(0.66)],
            Ink::Black => [near(0.1), near(0.1), near(0.12)],
        };
        Self {
            colour,
            density: rng.random_range(0.65..1.0),
            patchiness: rng.random_range(0.1..0.4),
            specks: rng.random_range(0.0..0.16),
            lean: (rng.random_range(0.0..0.35), rng.random_range(0.0..std::f32::consts::TAU)),
            bleed: rng.random_range(-0.5..0.9),
            softness: rng.random_range(0.3..0.8),
            is_copied: false,
        }
    }

    /// A pen.
    pub fn penned(is_blue: bool, rng: &mut ChaCha8Rng) -> Self {
        let mut near = |value: f32| (value + rng.random_range(-0.05..0.05)).clamp(0.02, 1.0);
        Self {
            colour: if is_blue { [near(0.12), near(0.18), near(0.58)] } else { [near(0.1), near(0.1), near(0.12)] },
            density: rng.random_range(0.75..1.0),
            patchiness: rng.random_range(0.05..0.2),
            specks: rng.random_range(0.0..0.05),
            lean: (0.0, 0.0),
            bleed: rng.random_range(-0.3..0.6),
            softness: rng.random_range(0.3..0.6),
            is_copied: false,
        }
    }

    /// The same mark from a copying machine: four in ten are in black.
    pub fn copied(&self, rng: &mut ChaCha8Rng) -> Self {
        let mut copy = self.clone();
        if rng.random_bool(0.4) {
            copy.colour = [0.12; 3];
        } else {
            copy.colour = copy.colour.map(|light| (light * 0.85 + 0.06).min(1.0));
        }
        copy.bleed += rng.random_range(0.2..0.9);
        copy.density = rng.random_range(0.8..0.95);
        copy.is_copied = true;
        copy
    }

    /// Inks strokes that lie in the canvas's pixels.
    pub fn press(&self, canvas: &mut Canvas, strokes: &[Stroke], rng: &mut ChaCha8Rng) {
        let [left, top, right, bottom] = bounds(strokes);
        let (left, top) = (left.floor() - 4.0, top.floor() - 4.0);
        let mut shares = Plane::new((right - left).ceil() as usize + 5, (bottom - top).ceil() as usize + 5);
        let shifted: Vec<Stroke> = strokes
            .iter()
            .map(|stroke| Stroke {
                points: stroke.points.iter().map(|[x, y]| [x - left, y - top]).collect(),
                widths: stroke.widths.iter().map(|width| (width + self.bleed).max(0.8)).collect(),
            })
            .collect();
        ink(&mut shares, &shifted);
        shares = shares.blurred(self.softness);
        let cloud = cloud(&shares, rng);
        let (sin, cos) = self.lean.1.sin_cos();
        for y in 0..shares.height {
            for x in 0..shares.width {
                let (across, down) = (x as f32 / shares.width as f32 - 0.5, y as f32 / shares.height as f32 - 0.5);
                let lean = 1.0 - self.lean.0 * (0.5 + across * cos + down * sin).clamp(0.0, 1.0);
                let at = y * shares.width + x;
                let speck = if rng.random::<f32>() < self.specks { 0.35 } else { 1.0 };
                shares.values[at] *= self.density * lean * speck * (1.0 - self.patchiness * cloud.values[at]);
            }
        }
        if self.is_copied {
            shares = screened(&shares.blurred(0.7), self.density);
        }
        canvas.blend(&shares, left as isize, top as isize, self.colour);
    }
}

/// What a copying machine prints: ink or none, in a screen of dots 3 pixels apart.
fn screened(shares: &Plane, density: f32) -> Plane {
    let mut out = shares.clone();
    for y in 0..shares.height {
        for x in 0..shares.width {
            let hard = 1.0 / (1.0 + (-14.0 * (shares.at(x, y) - 0.3)).exp());
            let dot = 0.86 + 0.14 * ((x as f32 * 2.1).cos() * (y as f32 * 2.1).cos());
            out.values[y * shares.width + x] = if hard < 0.03 { 0.0 } else { hard * density * dot };
        }
    }
    out
}

/// Slow changes between 0 and 1 over a picture's size.
fn cloud(like: &Plane, rng: &mut ChaCha8Rng) -> Plane {
    const CELL: f32 = 14.0;
    let mut coarse = Plane::new((like.width as f32 / CELL) as usize + 3, (like.height as f32 / CELL) as usize + 3);
    coarse.values.iter_mut().for_each(|value| *value = rng.random());
    let mut fine = Plane::new(like.width, like.height);
    for y in 0..like.height {
        for x in 0..like.width {
            fine.values[y * like.width + x] = coarse.sample(x as f32 / CELL, y as f32 / CELL);
        }
    }
    fine
}
