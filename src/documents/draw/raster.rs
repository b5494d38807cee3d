//! Pen strokes to shares of ink. In: polylines with a width at each point. Out: ink on a [`Plane`], smooth at the edges.

use crate::documents::plane::Plane;

/// Right and down.
pub type Point = [f32; 2];

/// A polyline with the pen's width at each of its points.
#[derive(Clone, Debug)]
pub struct Stroke {
    pub points: Vec<Point>,
    pub widths: Vec<f32>,
}

/// A turn about the origin, then a scale, then a shift.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    pub turn: f32,
    pub scale: f32,
    pub shift: Point,
}

impl Placement {
    pub fn map(&self, [x, y]: Point) -> Point {
        let (sin, cos) = self.turn.sin_cos();
        [self.scale * (x * cos - y * sin) + self.shift[0], self.scale * (x * sin + y * cos) + self.shift[1]]
    }
}

impl Stroke {
    pub fn even(points: Vec<Point>, width: f32) -> Self {
        let widths = vec![width; points.len()];
        Self { points, widths }
    }

    /// The same stroke elsewhere; `bleed` is added to its width after the scale.
    pub fn placed(&self, placement: &Placement, bleed: f32) -> Self {
        Self {
            points: self.points.iter().map(|point| placement.map(*point)).collect(),
            widths: self.widths.iter().map(|width| width * placement.scale + bleed).collect(),
        }
    }
}

/// Left, top, right, bottom of what is inked.
pub fn bounds(strokes: &[Stroke]) -> [f32; 4] {
    let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
    for stroke in strokes {
        for ([x, y], width) in stroke.points.iter().zip(&stroke.widths) {
            let half = width / 2.0;
            bounds[0] = bounds[0].min(x - half);
            bounds[1] = bounds[1].min(y - half);
            bounds[2] = bounds[2].max(x + half);
            bounds[3] = bounds[3].max(y + half);
        }
    }
    bounds
}

/// Inks strokes; where they cross, the greater share of ink stays.
pub fn ink(plane: &mut Plane, strokes: &[Stroke]) {
    for stroke in strokes {
        if let ([point], [width]) = (&stroke.points[..], &stroke.widths[..]) {
            segment(plane, [*point, *point], [*width, *width]);
        }
        for (ends, widths) in stroke.points.windows(2).zip(stroke.widths.windows(2)) {
            segment(plane, [ends[0], ends[1]], [widths[0], widths[1]]);
        }
    }
}

fn segment(plane: &mut Plane, [[ax, ay], [bx, by]]: [Point; 2], widths: [f32; 2]) {
    let reach = widths[0].max(widths[1]) / 2.0 + 1.0;
    let first = |a: f32, b: f32| (a.min(b) - reach).floor().max(0.0) as usize;
    let end = |a: f32, b: f32, limit: usize| ((a.max(b) + reach).ceil() + 1.0).clamp(0.0, limit as f32) as usize;
    let (dx, dy) = (bx - ax, by - ay);
    let squared = (dx * dx + dy * dy).max(1e-9);
    for y in first(ay, by)..end(ay, by, plane.height) {
        for x in first(ax, bx)..end(ax, bx, plane.width) {
            let (px, py) = (x as f32 - ax, y as f32 - ay);
            let along = ((px * dx + py * dy) / squared).clamp(0.0, 1.0);
            let distance = (px - along * dx).hypot(py - along * dy);
            let half = (widths[0] + along * (widths[1] - widths[0])) / 2.0;
            // A pen narrower than a pixel inks part of it.
            let share = (half + 0.5 - distance).clamp(0.0, 1.0) * (2.0 * half).min(1.0);
            let value = &mut plane.values[y * plane.width + x];
            *value = value.max(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_ink_of_its_length_and_width() {
        let mut plane = Plane::new(60, 20);
        let line = Stroke::even(vec![[10.0, 10.0], [50.0, 10.0]], 3.0);
        ink(&mut plane, std::slice::from_ref(&line));
        assert!((plane.sum() - 40.0 * 3.0 - 7.0).abs() < 3.0, "{}", plane.sum());
        assert_eq!(bounds(&[line]), [8.5, 8.5, 51.5, 11.5]);
    }
}
