//! Regions of a page that may be marks: connected ink, rules and print aside.
//!
//! In: a [`Page`]. Out: [`Region`]s with what can be measured of each. Generous on purpose: [`super::find`] judges. Ink
//! with a colour is taken apart by colour; what is dark without a colour, or all of it on a grey page, is freed of rules
//! first and then of what is no larger than print.

use super::Area;
use super::page::{Page, colour, darkness};

/// Connected ink that may be a mark.
#[derive(Clone, Debug)]
pub struct Region {
    pub area: Area,
    /// What is measured, in the order of [`super::find`]'s weights.
    pub features: Vec<f64>,
}

/// Dots in a millimetre at 150 dpi, which pages are brought to.
const PER_MM: f32 = 150.0 / 25.4;
/// Least and greatest sides of a region: 5 and 90 millimetres.
const SIDES: [f32; 2] = [5.0 * PER_MM, 90.0 * PER_MM];
/// Ink of a mark is larger than print: 7 millimetres one way, 3 the other.
const SEED: [f32; 2] = [7.0 * PER_MM, 3.2 * PER_MM];
/// A straight run longer than any side of a stamp is a rule.
const RULE: usize = 190;
/// Parts of a mark lie at most this far apart.
const GAP: f32 = 9.0;

/// Which points of a page have ink of some sort.
struct Mask {
    width: usize,
    height: usize,
    on: Vec<bool>,
}

/// Ink that hangs together.
#[derive(Clone, Debug)]
struct Part {
    area: Area,
    pixels: Vec<u32>,
}

pub fn regions(page: &Page) -> Vec<Region> {
    let mut regions = Vec::new();
    let smooth = smoothed(page);
    if page.has_colour {
        let red = Mask::of(page, |at| {
            let [red, green, blue] = smooth[at];
            colour(&smooth[at]) > 0.13 && red - green.max(blue) > 0.07
        });
        let blue = Mask::of(page, |at| {
            let [red, green, blue] = smooth[at];
            colour(&smooth[at]) > 0.13 && blue - red.max(green) > 0.03
        });
        for (mask, tone) in [(red, [1.0, 0.0]), (blue, [0.0, 1.0])] {
            gather(&mask, 4, &mut |area| regions.push(measured(&mask, area, tone)));
        }
    }
    let threshold = if page.has_colour { 0.3 } else { 0.16 };
    let mut dark =
        Mask::of(page, |at| darkness(&page.light[at]) > threshold && (!page.has_colour || colour(&smooth[at]) < 0.16));
    dark.drop_rules();
    gather(&dark, 1, &mut |area| regions.push(measured(&dark, area, [0.0, 0.0])));
    regions
}

/// Light averaged over 3 by 3 points: JPEG keeps colour more coarsely than light.
fn smoothed(page: &Page) -> Vec<[f32; 3]> {
    let mut out = page.light.clone();
    for y in 1..page.height.saturating_sub(1) {
        for x in 1..page.width.saturating_sub(1) {
            let mut sum = [0.0; 3];
            for row in y - 1..=y + 1 {
                for light in &page.light[row * page.width + x - 1..=row * page.width + x + 1] {
                    sum.iter_mut().zip(light).for_each(|(sum, light)| *sum += light / 9.0);
                }
            }
            out[y * page.width + x] = sum;
        }
    }
    out
}

/// Joins parts into candidates: each large part, and large parts that lie near each other.
fn gather(mask: &Mask, reach: usize, found: &mut dyn FnMut(Area)) {
    let parts = mask.parts(reach);
    let is_seed =
        |area: &Area| area.width().max(area.height()) >= SEED[0] && area.width().min(area.height()) >= SEED[1];
    let seeds: Vec<Area> = parts.iter().map(|part| part.area).filter(is_seed).collect();
    let mut joined = seeds.clone();
    // Joining may bring two within reach of a third.
    loop {
        let before = joined.len();
        let mut next: Vec<Area> = Vec::new();
        for area in joined {
            match next.iter_mut().find(|other| other.grown(GAP).shared(&area) > 0.0) {
                Some(other) => *other = other.joined(&area),
                None => next.push(area),
            }
        }
        joined = next;
        if joined.len() == before {
            break;
        }
    }
    // A stroke that a rule cut off, or that was drawn apart, belongs to what it nearly touches.
    let completed = joined.iter().map(|area| {
        let near = |part: &&Part| {
            let tall = part.area.height() > 1.6 * PER_MM || part.area.width() > 4.0 * PER_MM;
            tall && part.area.grown(3.0).shared(area) > 0.0
        };
        parts.iter().filter(near).fold(*area, |sum, part| sum.joined(&part.area))
    });
    let completed: Vec<Area> = completed.collect();
    let mut all: Vec<Area> = Vec::new();
    for area in seeds.into_iter().chain(joined).chain(completed) {
        let fits = area.width().min(area.height()) >= SIDES[0] * 0.6
            && area.width().max(area.height()) >= SIDES[0]
            && area.width().max(area.height()) <= SIDES[1];
        if fits && all.iter().all(|other| other.overlap(&area) < 0.97) {
            all.push(area);
        }
    }
    all.into_iter().for_each(found);
}

/// Directions that a region is looked at from its middle.
const SECTORS: usize = 48;

/// What tells a stamp from a signature and both from print.
fn measured(mask: &Mask, area: Area, tone: [f64; 2]) -> Region {
    let (left, top) = (area.left as usize, area.top as usize);
    let (right, bottom) = ((area.right as usize).min(mask.width), (area.bottom as usize).min(mask.height));
    let (mut ink, mut edge) = (0.0_f64, 0.0_f64);
    let centre = [(area.left + area.right) / 2.0, (area.top + area.bottom) / 2.0];
    let half = [area.width() / 2.0, area.height() / 2.0];
    let (mut round, mut square) = ([0.0_f32; SECTORS], [0.0_f32; SECTORS]);
    let mut rows = vec![0.0_f64; bottom - top];
    let mut columns = vec![0.0_f64; right - left];
    let mut on_rim = 0.0_f64;
    for y in top..bottom {
        for x in left..right {
            if !mask.is_on(x, y) {
                continue;
            }
            ink += 1.0;
            rows[y - top] += 1.0;
            columns[x - left] += 1.0;
            let beside = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
            edge += beside.iter().filter(|(x, y)| !mask.is_on(*x, *y)).count() as f64;
            let (across, down) = ((x as f32 - centre[0]) / half[0], (y as f32 - centre[1]) / half[1]);
            let turn = down.atan2(across) / std::f32::consts::TAU + 0.5;
            let sector = ((turn * SECTORS as f32) as usize).min(SECTORS - 1);
            let (radius, reach) = (across.hypot(down), across.abs().max(down.abs()));
            round[sector] = round[sector].max(radius.min(1.06));
            square[sector] = square[sector].max(reach);
            on_rim += f64::from(u8::from(radius > 0.86));
        }
    }
    let share = |values: &[f32], least: f32, most: f32| {
        values.iter().filter(|value| (least..most).contains(*value)).count() as f64 / SECTORS as f64
    };
    let spread = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / values.len().max(1) as f64).sqrt() / mean.max(1e-3)
    };
    let empty =
        |values: &[f64]| values.iter().filter(|value| **value < 1.0).count() as f64 / values.len().max(1) as f64;
    let [width, height] = [area.width(), area.height()].map(|side| f64::from(side / PER_MM).ln());
    let plain = [
        width,
        height,
        width - height,
        (width - height).abs(),
        ink / f64::from(area.size()).max(1.0),
        2.0 * ink / edge.max(1.0),
        share(&round, 0.88, 1.05),
        share(&square, 0.9, 1.1),
        on_rim / ink.max(1.0),
        spread(&rows),
        spread(&columns),
        empty(&rows),
        empty(&columns),
    ];
    // A stamp's sides are neither small nor large, so squares count too.
    let squares = plain.iter().map(|value| value * value);
    let features = plain.iter().copied().chain(squares).chain(tone).collect();
    Region { area, features }
}

impl Mask {
    fn of(page: &Page, is_on: impl Fn(usize) -> bool) -> Self {
        let on = (0..page.width * page.height).map(is_on).collect();
        Self { width: page.width, height: page.height, on }
    }

    fn is_on(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.on[y * self.width + x]
    }

    /// Takes out straight runs longer than a stamp, and upright ones between two of them.
    fn drop_rules(&mut self) {
        let flat = self.runs(false);
        let long = |part: &Part| part.area.width().max(part.area.height()) >= RULE as f32;
        let lying: Vec<Part> = flat.into_iter().filter(long).collect();
        let mut is_rule = vec![false; self.on.len()];
        lying.iter().flat_map(|part| &part.pixels).for_each(|at| is_rule[*at as usize] = true);
        let touches = |x: f32, y: f32, is_rule: &[bool]| {
            let (x, y) = (x as isize, y as isize);
            (-4..=4).any(|dy| {
                (-4..=4).any(|dx| {
                    let (x, y) = (x + dx, y + dy);
                    let inside = x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height;
                    inside && is_rule[y as usize * self.width + x as usize]
                })
            })
        };
        let upright: Vec<Part> = self
            .runs(true)
            .into_iter()
            .filter(|part| {
                let Area { left, top, right, bottom } = part.area;
                let x = (left + right) / 2.0;
                let at = |y: f32| [left, x, right].iter().any(|x| touches(*x, y, &is_rule));
                long(part) || (part.area.width() < 12.0 && at(top) && at(bottom))
            })
            .collect();
        for at in lying.iter().chain(&upright).flat_map(|part| &part.pixels) {
            self.on[*at as usize] = false;
        }
        // Its soft edges go too, where nothing else hangs on them.
        let ruled: Vec<u32> = lying.into_iter().chain(upright).flat_map(|part| part.pixels).collect();
        let mut near = vec![false; self.on.len()];
        for at in &ruled {
            let (x, y) = ((*at as usize % self.width) as isize, (*at as usize / self.width) as isize);
            for (dx, dy) in [(0, -1), (0, 1), (-1, 0), (1, 0)] {
                let (x, y) = (x + dx, y + dy);
                if x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height {
                    near[y as usize * self.width + x as usize] = true;
                }
            }
        }
        self.on.iter_mut().zip(near).filter(|(_, near)| *near).for_each(|(on, _)| *on = false);
    }

    /// Connected points that lie in straight runs, across or down.
    fn runs(&self, is_down: bool) -> Vec<Part> {
        const LEAST: usize = 34;
        let mut straight = Self { width: self.width, height: self.height, on: vec![false; self.on.len()] };
        let (lines, length) = if is_down { (self.width, self.height) } else { (self.height, self.width) };
        let place = |line: usize, at: usize| if is_down { at * self.width + line } else { line * self.width + at };
        for line in 0..lines {
            let mut start = 0;
            for at in 0..=length {
                if at < length && self.on[place(line, at)] {
                    continue;
                }
                if at - start >= LEAST {
                    (start..at).for_each(|at| straight.on[place(line, at)] = true);
                }
                start = at + 1;
            }
        }
        straight.parts(1)
    }

    /// Ink that hangs together, across gaps of up to `reach` points and a little more.
    fn parts(&self, reach: usize) -> Vec<Part> {
        let mut seen = vec![false; self.on.len()];
        let (mut parts, mut open) = (Vec::new(), Vec::new());
        let reach = reach as isize;
        for start in 0..self.on.len() {
            if !self.on[start] || seen[start] {
                continue;
            }
            seen[start] = true;
            open.push(start as u32);
            let mut pixels = Vec::new();
            let mut bounds = [usize::MAX, usize::MAX, 0, 0];
            while let Some(at) = open.pop() {
                pixels.push(at);
                let (x, y) = (at as usize % self.width, at as usize / self.width);
                bounds = [bounds[0].min(x), bounds[1].min(y), bounds[2].max(x), bounds[3].max(y)];
                for dy in -reach..=reach {
                    let Some(row) = y.checked_add_signed(dy).filter(|row| *row < self.height) else { continue };
                    for dx in -reach..=reach {
                        let Some(column) = x.checked_add_signed(dx).filter(|column| *column < self.width) else {
                            continue;
                        };
                        let next = row * self.width + column;
                        if self.on[next] && !seen[next] {
                            seen[next] = true;
                            open.push(next as u32);
                        }
                    }
                }
            }
            let [left, top, right, bottom] = bounds;
            let area = Area::around([left as f32, top as f32, right as f32 + 1.0, bottom as f32 + 1.0]);
            parts.push(Part { area, pixels });
        }
        parts
    }
}
