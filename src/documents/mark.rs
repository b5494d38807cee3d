//! One mark in its standard form: its ink alone, in the middle of a small picture, at a standard size.
//!
//! Ink of a colour is parted from black print by how it takes light away; where there is no colour, all that is dark
//! counts. Turn is left as it is: two marks are turned onto each other when they are compared.

use super::page::{Page, colour, darkness};
use super::plane::Plane;
use super::{Area, Error, Kind};

/// Width and height of the standard form.
pub fn form(kind: Kind) -> (usize, usize) {
    match kind {
        Kind::Stamp => (160, 160),
        Kind::Signature => (256, 96),
    }
}

/// A mark, ready to be compared.
#[derive(Clone, Debug)]
pub struct Mark {
    pub kind: Kind,
    /// Ink in the standard form, then at half and at a quarter of its size.
    pub levels: [Plane; 3],
    /// The light that its ink sends back, if it has a colour.
    pub colour: Option<[f32; 3]>,
    /// Whether a colour would have been seen.
    pub is_from_colour_scan: bool,
}

/// Ink that a mark must have, in pixels.
const MIN_INK: f32 = 60.0;
/// A stamp's longer side, as a share of the form's.
const STAMP_SIDE: f32 = 0.88;
/// Share of ink that may lie outside of a signature's box.
const OUTSIDE: f32 = 0.006;

impl Mark {
    /// The mark within `area` of a page.
    ///
    /// # Errors
    /// Next to no ink there.
    pub fn cut(page: &Page, area: &Area, kind: Kind, name: &str) -> Result<Self, Error> {
        let clamp = |at: f32, limit: usize| at.clamp(0.0, limit as f32) as usize;
        let (left, top) = (clamp(area.left, page.width), clamp(area.top, page.height));
        let (right, bottom) = (clamp(area.right.ceil(), page.width), clamp(area.bottom.ceil(), page.height));
        if right < left + 8 || bottom < top + 8 {
            return Err(Error::NoInk { name: name.into(), kind });
        }
        let mut lights = Vec::with_capacity((right - left) * (bottom - top));
        for y in top..bottom {
            lights.extend_from_slice(&page.light[y * page.width + left..y * page.width + right]);
        }
        let tint = if page.has_colour { tint(&lights) } else { None };
        let mut ink = Plane::new(right - left, bottom - top);
        for (value, light) in ink.values.iter_mut().zip(&lights) {
            *value = tint.map_or_else(|| darkness(light), |tint| share_of(light, &tint));
        }
        // What paper and noise have does not count; what is full is 1.
        let full = full(&ink);
        ink.values.iter_mut().for_each(|value| *value = ((*value / full - 0.15) / 0.7).clamp(0.0, 1.0));
        if full < 0.08 || ink.sum() < MIN_INK {
            return Err(Error::NoInk { name: name.into(), kind });
        }
        let colour = tint.map(|tint| tint.map(|taken| (1.0 - taken * full).clamp(0.0, 1.0)));
        let standard = standard(&ink, kind);
        let half = standard.halved();
        let quarter = half.halved();
        let is_from_colour_scan = page.has_colour;
        Ok(Self { kind, levels: [standard, half, quarter], colour, is_from_colour_scan })
    }
}

/// The direction in which a mark's ink takes light away, if a fifth or more of what is dark has a colour.
fn tint(lights: &[[f32; 3]]) -> Option<[f32; 3]> {
    let (mut dark, mut coloured, mut sum) = (0.0, 0.0, [0.0_f32; 3]);
    for light in lights {
        let depth = darkness(light);
        if depth > 0.2 {
            dark += 1.0;
        }
        if colour(light) > 0.16 {
            coloured += 1.0;
            sum.iter_mut().zip(light).for_each(|(sum, light)| *sum += 1.0 - light);
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    (coloured > 60.0 && coloured > 0.2 * dark).then(|| sum.map(|value| value / length))
}

/// How much of a coloured ink a point has: what is taken away is this ink, black, or both.
fn share_of(light: &[f32; 3], tint: &[f32; 3]) -> f32 {
    const BLACK: f32 = 0.577_35;
    let taken = light.map(|light| 1.0 - light);
    let along = |a: &[f32; 3], b: &[f32; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let cross = tint.iter().sum::<f32>() * BLACK;
    let (by_tint, by_black) = (along(&taken, tint), taken.iter().sum::<f32>() * BLACK);
    let apart = (1.0 - cross * cross).max(1e-3);
    let black = ((by_black - cross * by_tint) / apart).max(0.0);
    (by_tint - cross * black).max(0.0)
}

/// What ink is full: a quarter more than half of the inked points have, so that print across a mark does not count.
fn full(ink: &Plane) -> f32 {
    let mut inked: Vec<f32> = ink.values.iter().copied().filter(|value| *value > 0.12).collect();
    if inked.is_empty() {
        return 0.0;
    }
    let rank = inked.len() / 2;
    1.25 * *inked.select_nth_unstable_by(rank, f32::total_cmp).1
}

/// Ink moved to the middle and to the standard size.
fn standard(ink: &Plane, kind: Kind) -> Plane {
    let (width, height) = form(kind);
    let (centre, scale) = match kind {
        // Not from the ink: print across a stamp would move it, and its rim is what the box holds.
        Kind::Stamp => {
            let centre = [(ink.width as f32 - 1.0) / 2.0, (ink.height as f32 - 1.0) / 2.0];
            (centre, STAMP_SIDE * width as f32 / ink.width.max(ink.height) as f32)
        }
        Kind::Signature => {
            let [left, right] = ends((0..ink.width).map(|x| (0..ink.height).map(|y| ink.at(x, y)).sum()));
            let [top, bottom] = ends((0..ink.height).map(|y| (0..ink.width).map(|x| ink.at(x, y)).sum()));
            let across = 0.9 * width as f32 / (right - left).max(4.0);
            let down = 0.9 * height as f32 / (bottom - top).max(4.0);
            ([(left + right) / 2.0, (top + bottom) / 2.0], across.min(down))
        }
    };
    // Shrinking must not skip pixels.
    let soft = ink.blurred((0.45 / scale - 0.2).max(0.0));
    let mut out = Plane::new(width, height);
    for y in 0..height {
        for x in 0..width {
            let from = [
                centre[0] + (x as f32 - (width as f32 - 1.0) / 2.0) / scale,
                centre[1] + (y as f32 - (height as f32 - 1.0) / 2.0) / scale,
            ];
            out.values[y * width + x] = soft.sample(from[0], from[1]);
        }
    }
    out
}

/// Where ink begins and ends, but for the few that lie astray.
fn ends(profile: impl Iterator<Item = f32>) -> [f32; 2] {
    let mut profile: Vec<f32> = profile.collect();
    let limit = OUTSIDE * profile.iter().sum::<f32>();
    let reach = |profile: &[f32]| {
        let mut sum = 0.0;
        let begins = |value: &f32| {
            sum += value;
            sum > limit
        };
        profile.iter().position(begins).unwrap_or(0) as f32
    };
    let first = reach(&profile);
    profile.reverse();
    [first, profile.len() as f32 - 1.0 - reach(&profile)]
}
