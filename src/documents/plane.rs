//! A grey picture of reals, and the arithmetic that drawing, finding and comparing share.
//!
//! Values are shares of ink, 0 for none and 1 for all, in rows from the top. Outside of the picture there is no ink.

/// Shares of ink, `[height, width]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Plane {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![0.0; width * height] }
    }

    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.width + x]
    }

    pub fn sum(&self) -> f32 {
        self.values.iter().sum()
    }

    /// The value between four pixels; centres of pixels lie at whole numbers.
    pub fn sample(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        if left < -1.0 || top < -1.0 || left >= self.width as f32 || top >= self.height as f32 {
            return 0.0;
        }
        let (part_x, part_y) = (x - left, y - top);
        let (left, top) = (left as isize, top as isize);
        let value = |x: isize, y: isize| {
            let inside = x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height;
            if inside { self.values[y as usize * self.width + x as usize] } else { 0.0 }
        };
        let above = value(left, top) * (1.0 - part_x) + value(left + 1, top) * part_x;
        let below = value(left, top + 1) * (1.0 - part_x) + value(left + 1, top + 1) * part_x;
        above * (1.0 - part_y) + below * part_y
    }

    /// The mean over squares of 2 by 2; an odd last row or column is dropped.
    pub fn halved(&self) -> Self {
        let mut half = Self::new(self.width / 2, self.height / 2);
        for y in 0..half.height {
            for x in 0..half.width {
                let (left, top) = (2 * x, 2 * y);
                let sum =
                    self.at(left, top) + self.at(left + 1, top) + self.at(left, top + 1) + self.at(left + 1, top + 1);
                half.values[y * half.width + x] = sum / 4.0;
            }
        }
        half
    }

    /// Gaussian blur with this spread in pixels; the border is continued.
    pub fn blurred(&self, spread: f32) -> Self {
        if spread < 0.05 {
            return self.clone();
        }
        let reach = (3.0 * spread).ceil() as isize;
        let weights: Vec<f32> = (-reach..=reach).map(|at| (-0.5 * (at as f32 / spread).powi(2)).exp()).collect();
        let total: f32 = weights.iter().sum();
        let weights: Vec<f32> = weights.into_iter().map(|weight| weight / total).collect();
        let across = self.filtered_across(&weights);
        across.transposed().filtered_across(&weights).transposed()
    }

    fn filtered_across(&self, weights: &[f32]) -> Self {
        let reach = weights.len() / 2;
        let mut out = Self::new(self.width, self.height);
        let mut padded = vec![0.0; self.width + 2 * reach];
        for y in 0..self.height {
            let row = &self.values[y * self.width..(y + 1) * self.width];
            padded[..reach].fill(row[0]);
            padded[reach..reach + self.width].copy_from_slice(row);
            padded[reach + self.width..].fill(row[self.width - 1]);
            let target = &mut out.values[y * self.width..(y + 1) * self.width];
            for (at, weight) in weights.iter().enumerate() {
                for (sum, value) in target.iter_mut().zip(&padded[at..]) {
                    *sum += weight * value;
                }
            }
        }
        out
    }

    /// The greatest value within a square that reaches `reach` pixels each way.
    pub fn widened(&self, reach: usize) -> Self {
        self.greatest_across(reach).transposed().greatest_across(reach).transposed()
    }

    fn greatest_across(&self, reach: usize) -> Self {
        let mut out = Self::new(self.width, self.height);
        for y in 0..self.height {
            let row = &self.values[y * self.width..(y + 1) * self.width];
            for x in 0..self.width {
                let held = &row[x.saturating_sub(reach)..(x + reach + 1).min(self.width)];
                out.values[y * self.width + x] = held.iter().copied().fold(0.0, f32::max);
            }
        }
        out
    }

    fn transposed(&self) -> Self {
        let mut out = Self::new(self.height, self.width);
        for y in 0..self.height {
            for x in 0..self.width {
                out.values[x * self.height + y] = self.values[y * self.width + x];
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot() -> Plane {
        let mut plane = Plane::new(9, 7);
        plane.values[3 * 9 + 4] = 1.0;
        plane
    }

    #[test]
    fn a_blur_keeps_the_ink_and_spreads_it_alike_both_ways() {
        let blurred = dot().blurred(0.8);
        assert!((blurred.sum() - 1.0).abs() < 1e-4);
        assert!((blurred.at(5, 3) - blurred.at(4, 4)).abs() < 1e-6 && blurred.at(5, 3) > blurred.at(6, 3));
    }

    #[test]
    fn sampling_between_pixels_weighs_them_and_finds_nothing_outside() {
        let plane = dot();
        assert_eq!((plane.sample(4.0, 3.0), plane.sample(4.5, 3.0), plane.sample(4.5, 3.5)), (1.0, 0.5, 0.25));
        assert_eq!((plane.sample(-3.0, 3.0), plane.sample(4.0, 40.0)), (0.0, 0.0));
    }

    #[test]
    fn widening_makes_a_square_of_a_dot() {
        assert_eq!(dot().widened(1).sum(), 9.0);
    }
}
